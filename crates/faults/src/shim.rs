//! The layer under SQLite: its default file system, with a look at every change on the way.
//!
//! Responsible for the calls between C and Rust and nothing else: what is written goes to
//! [`crate::disk`], which says whether it may. Everything that is not a change (reading, locks,
//! shared memory) goes straight to the file system below.
//!
//! The one file of the project with `unsafe`: SQLite calls a table of C functions.
#![expect(unsafe_code, reason = "SQLite's file system interface is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

use crate::disk::{self, Answer, Change};

/// Says that every SQLite file this process opens from now on goes through the layer.
#[derive(Clone, Copy, Debug)]
pub struct Installed(());

/// One open file: the table of functions below, and its name.
struct Open {
    below: usize,
    path: PathBuf,
}

struct Layer {
    /// Address of the file system below.
    below: usize,
    /// Open files by the address of SQLite's own record of them.
    files: Mutex<HashMap<usize, Open>>,
}

static LAYER: OnceLock<Option<Layer>> = OnceLock::new();

fn files() -> Option<MutexGuard<'static, HashMap<usize, Open>>> {
    let layer = LAYER.get()?.as_ref()?;
    Some(layer.files.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Puts the layer under every SQLite file that is opened afterwards in this process.
///
/// # Errors
/// Where SQLite has no file system or does not take another one.
pub fn install() -> anyhow::Result<Installed> {
    let layer = LAYER.get_or_init(register);
    anyhow::ensure!(layer.is_some(), "SQLite did not take another file system");
    Ok(Installed(()))
}

fn register() -> Option<Layer> {
    // SAFETY: a null name asks for the default; the answer lives as long as the process.
    let below = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // A copy: the functions below do not look at the record they are called through, save for the
    // private pointer, which is copied with it.
    // SAFETY: the pointer is null or points to a record that is never changed after start-up.
    let mut ours = *unsafe { below.as_ref() }?;
    ours.zName = c"mithaq-faults".as_ptr();
    ours.pNext = std::ptr::null_mut();
    ours.xOpen = Some(open);
    ours.xDelete = Some(delete);
    let ours = Box::leak(Box::new(ours));
    // SAFETY: the record is leaked, so it outlives every connection, as SQLite demands.
    let code = unsafe { ffi::sqlite3_vfs_register(ours, 1) };
    (code == ffi::SQLITE_OK).then(|| Layer { below: below as usize, files: Mutex::default() })
}

/// Opens below, then puts our table of functions in front of the file.
unsafe extern "C" fn open(
    _ours: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(layer) = LAYER.get().and_then(Option::as_ref) else { return ffi::SQLITE_CANTOPEN };
    let below = layer.below as *mut ffi::sqlite3_vfs;
    // SAFETY: `below` came from `sqlite3_vfs_find`; the arguments are SQLite's own, passed on.
    let code = unsafe {
        match (*below).xOpen {
            Some(real) => real(below, name, file, flags, out_flags),
            None => ffi::SQLITE_CANTOPEN,
        }
    };
    // SAFETY: SQLite gives a record large enough for the file system below, which has filled it.
    let methods = unsafe { (*file).pMethods };
    if code != ffi::SQLITE_OK || methods.is_null() || name.is_null() {
        return code;
    }
    // SAFETY: SQLite gives file names as strings that end in a zero byte.
    let path = unsafe { CStr::from_ptr(name.cast::<c_char>()) };
    let Ok(path) = path.to_str() else { return code };
    let path = PathBuf::from(path);
    disk::opened(&path);
    if let Some(mut files) = files() {
        files.insert(file as usize, Open { below: methods as usize, path });
        // SAFETY: the record is ours until `xClose`; the table is leaked, so it outlives the file.
        unsafe { (*file).pMethods = in_front(methods) };
    }
    code
}

/// Deletes below. SQLite flushes the directory with it where it matters, so it is durable at once.
unsafe extern "C" fn delete(
    _ours: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flush_directory: c_int,
) -> c_int {
    let Some(layer) = LAYER.get().and_then(Option::as_ref) else { return ffi::SQLITE_IOERR_DELETE };
    let below = layer.below as *mut ffi::sqlite3_vfs;
    // SAFETY: SQLite gives file names as strings that end in a zero byte.
    if let Ok(path) = unsafe { CStr::from_ptr(name) }.to_str() {
        disk::deleted(path.as_ref());
    }
    // SAFETY: `below` came from `sqlite3_vfs_find`; the arguments are SQLite's own, passed on.
    unsafe {
        match (*below).xDelete {
            Some(real) => real(below, name, flush_directory),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

/// The table of functions below with our four in it; one is made for each table ever seen (two).
fn in_front(methods: *const ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods {
    static MADE: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, ours)) = made.iter().find(|(below, _)| *below == methods as usize) {
        return *ours as *const ffi::sqlite3_io_methods;
    }
    // SAFETY: `methods` points to a table of the file system below, which is static; plain data.
    let mut ours = unsafe { std::ptr::read(methods) };
    ours.xClose = Some(close);
    ours.xWrite = Some(write);
    ours.xTruncate = Some(truncate);
    ours.xSync = Some(sync);
    let ours = Box::leak(Box::new(ours)) as *const ffi::sqlite3_io_methods;
    made.push((methods as usize, ours as usize));
    ours
}

/// The table below and the name of an open file.
fn look_up(file: *mut ffi::sqlite3_file) -> Option<(&'static ffi::sqlite3_io_methods, PathBuf)> {
    let files = files()?;
    let open = files.get(&(file as usize))?;
    // SAFETY: the address came from the file system below, whose tables are static.
    let below = unsafe { (open.below as *const ffi::sqlite3_io_methods).as_ref() }?;
    Some((below, open.path.clone()))
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let Some((below, _)) = look_up(file) else { return ffi::SQLITE_IOERR };
    if let Some(mut files) = files() {
        files.remove(&(file as usize));
    }
    // SAFETY: the file was opened by the file system below and is closed once.
    below.xClose.map_or(ffi::SQLITE_IOERR, |real| unsafe { real(file) })
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let Some((below, path)) = look_up(file) else { return ffi::SQLITE_IOERR_WRITE };
    let (Ok(length), Ok(at)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite gives `amount` readable bytes at `data` for the length of this call.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    match disk::ask(&path, Change::Write { at, bytes: bytes.to_vec() }) {
        Answer::Go | Answer::Hangs => below.xWrite.map_or(ffi::SQLITE_IOERR_WRITE, |real| {
            // SAFETY: the arguments are SQLite's own, passed on to the file system below.
            unsafe { real(file, data, amount, offset) }
        }),
        Answer::Full => ffi::SQLITE_FULL,
        Answer::Broken => ffi::SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    let Some((below, path)) = look_up(file) else { return ffi::SQLITE_IOERR_TRUNCATE };
    let Ok(length) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    match disk::ask(&path, Change::Truncate { length }) {
        Answer::Go | Answer::Hangs => below.xTruncate.map_or(ffi::SQLITE_IOERR_TRUNCATE, |real| {
            // SAFETY: the arguments are SQLite's own, passed on to the file system below.
            unsafe { real(file, size) }
        }),
        Answer::Full | Answer::Broken => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    let Some((_, path)) = look_up(file) else { return ffi::SQLITE_IOERR_FSYNC };
    match disk::ask(&path, Change::Flush) {
        // The real flush is left out: the model decides what is durable, and a hundred thousand
        // real ones would only cost time.
        Answer::Go => ffi::SQLITE_OK,
        Answer::Hangs => {
            disk::wait_for_end();
            ffi::SQLITE_OK
        }
        // What was written stays in the file, which is the trap: after a failed flush the kernel
        // still shows bytes that the disk may not have.
        Answer::Full | Answer::Broken => ffi::SQLITE_IOERR_FSYNC,
    }
}
