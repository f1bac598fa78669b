//! Copies of a node's database and attachments, and the way back from one. A copy holds no key: the key file and what
//! unlocks it are kept apart, for whoever has both has the node.

mod aside;
mod files;
mod sound;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use mithaq_app::Restored;
use mithaq_db::{Db, PostgresOptions, SqliteOptions, backup_sqlite};
use mithaq_store::MasterKey;
use mithaq_store::blobs::Blobs;
use serde::{Deserialize, Serialize};

pub use self::aside::{PutAside, erase_put_aside, put_aside};
use self::files::Sources;
use self::sound::{Opened, checked};
use crate::config::{Config, Database};
use crate::keyfile;
use crate::ops::room_for_copy;
use crate::setup::{self, Unlocked};

/// Name of the database in a copy.
const DATABASE: &str = "node.db";
/// Name of the directory with the attachments in a copy.
const ATTACHMENTS: &str = "attachments";
/// Name of the page that says what the copy is.
const LABEL: &str = "backup.toml";

/// What a copy is: public, nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Form of this page.
    pub format: u32,
    /// Party of the node.
    pub party: String,
    /// Name of its log.
    pub log: String,
    /// Entries in the log.
    pub entries: u64,
    /// Entries under the last signed checkpoint.
    pub signed: u64,
    /// SHA-256 of the database, 64 hexadecimal digits.
    pub sha256: String,
    /// When it was made, by the machine's clock.
    pub made_at: String,
    /// Contents that were opened with the node's keys; none where the keys were not at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<u64>,
    /// Attachments whose bytes are in the copy.
    #[serde(default)]
    pub attachments: u64,
    /// Bytes of these files, encrypted.
    #[serde(default)]
    pub attachment_bytes: u64,
    /// Attachments the database speaks of whose bytes are not in the copy: left out, erased meanwhile, or damaged.
    #[serde(default)]
    pub attachments_missing: u64,
}

/// Whether the bytes of attachments are copied too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachments {
    /// They are: the copy is whole.
    Copy,
    /// They are not: after a restore partners give theirs again, and this node's own are lost.
    LeaveOut,
}

/// Copies the database of the node in a directory to a new directory, and after it the attachments it speaks of; the node
/// may run. The copy is opened and its whole log is computed anew before it counts, each envelope and each chunk of each
/// attachment is compared with its hash, and each content is opened where the node's keys can be had without asking.
///
/// # Errors
/// When the node is on a server, the directory exists, or the copy is not sound.
pub fn backup(directory: &Path, out: &Path, attachments: Attachments) -> Result<Label> {
    let config = Config::load(directory)?;
    let Database::Sqlite(path) = config.database(directory)? else {
        bail!(
            "the node is on PostgreSQL: copy it with `pg_basebackup`, or `pg_dump --format=custom`, \
             then check the copy: `mithaq backup --check DATABASE`"
        );
    };
    if out.exists() {
        bail!("`{}` exists already; a backup is never overwritten", out.display());
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    setup::restrict(out)?;
    let (copy, room) = (out.join(DATABASE), room_for_copy(directory, &config, out));
    // Once as a copy and once more while it is looked at.
    let bytes = fs::metadata(&path).map_or(0, |file| file.len());
    if !room.has(bytes.saturating_mul(2)) {
        bail!(
            "the volume of `{}` is the node's own, and there is no room on it but what `disk_reserve_mib` \
             keeps for the running node: copy to another volume",
            out.display()
        );
    }
    backup_sqlite(&path, &copy).with_context(|| format!("cannot copy `{}`", path.display()))?;
    let Opened { mut label, files, damage } = opened(&copy, master_of(directory))?;
    let found = match attachments {
        Attachments::Copy => files::copy(
            &Blobs::at(directory.join(&config.attachments)),
            &blobs_of(&copy).within(room),
            &files,
        )?,
        Attachments::LeaveOut => files::Found { missing: files.len(), ..files::Found::default() },
    };
    label.attach(&found);
    let text = toml::to_string_pretty(&label)?;
    keyfile::write_new(&out.join(LABEL), text.as_bytes())?;
    refuse(damage.as_deref())?;
    Ok(label)
}

/// Opens a copy, computes its whole log anew and compares each envelope with its hash; with the keys of the node in a
/// directory each content is opened too. Changes nothing in it that a node would not change.
///
/// # Errors
/// When it holds no node, its log is not the one that was signed, a row is not what was put there, or the keys are asked for
/// and cannot be had.
pub fn check(database: &str, node: Option<&Path>) -> Result<Label> {
    let master = node.map(setup::master).transpose()?;
    let server = database.starts_with("postgres://") || database.starts_with("postgresql://");
    if server || database.contains("host=") {
        let Opened { label, damage, .. } =
            checked(Db::open_postgres(database, PostgresOptions::default())?, master)?;
        refuse(damage.as_deref())?;
        return Ok(label);
    }
    let (label, damage) = check_file(Path::new(database), master)?;
    refuse(damage.as_deref())?;
    Ok(label)
}

/// The same for a file or the directory of a copy. Damaged rows are told, not refused: who has no better copy restores it.
fn check_file(path: &Path, master: Option<MasterKey>) -> Result<(Label, Option<String>)> {
    let path = if path.is_dir() { path.join(DATABASE) } else { path.to_path_buf() };
    let Opened { mut label, files, damage } = opened(&path, master)?;
    label.attach(&files::check(&blobs_of(&path), &files)?);
    if let Some(told) = read_label(&path)? {
        if told.sha256 != label.sha256 {
            bail!("the copy is not the one its label `{LABEL}` describes: it was changed or damaged");
        }
        if label.attachments < told.attachments {
            bail!(
                "{} of the {} attachments that the label `{LABEL}` speaks of are gone or damaged",
                told.attachments.saturating_sub(label.attachments),
                told.attachments
            );
        }
    }
    Ok((label, damage))
}

/// The master key, where it can be had without asking anybody.
fn master_of(directory: &Path) -> Option<MasterKey> {
    setup::master(directory).ok()
}

fn refuse(damage: Option<&str>) -> Result<()> {
    match damage {
        None => Ok(()),
        Some(rows) => bail!(
            "rows are not what was put there: {rows}. The database that was copied is damaged too: keep an older copy, and \
             look at the disk before anything else is written to it"
        ),
    }
}

/// Opens a copy in a file.
fn opened(path: &Path, master: Option<MasterKey>) -> Result<Opened> {
    if !path.is_file() {
        bail!("there is no copy at `{}`", path.display());
    }
    // In a scratch copy, so that the hash of the original stays what its label says.
    let scratch = path.with_extension("check");
    remove_if_there(&scratch)?;
    backup_sqlite(path, &scratch)?;
    let found = Db::open_sqlite(&scratch, SqliteOptions::default())
        .map_err(Into::into)
        .and_then(|db| checked(db, master));
    for name in ["check", "check-wal", "check-shm", "check.lock"] {
        remove_if_there(&path.with_extension(name))?;
    }
    let mut opened = found?;
    opened.label.sha256 = hash_of(path)?;
    Ok(opened)
}

/// Where the attachments of a copy lie: beside its database.
fn blobs_of(database: &Path) -> Blobs {
    Blobs::at(database.with_file_name(ATTACHMENTS))
}

impl Label {
    fn attach(&mut self, found: &files::Found) {
        self.attachments = u64::try_from(found.whole).unwrap_or(u64::MAX);
        self.attachment_bytes = found.bytes;
        self.attachments_missing = u64::try_from(found.missing).unwrap_or(u64::MAX);
    }
}

fn read_label(database: &Path) -> Result<Option<Label>> {
    let label = database.with_file_name(LABEL);
    if !label.is_file() {
        return Ok(None);
    }
    Ok(Some(toml::from_str(&fs::read_to_string(&label)?).context("the label of the copy is malformed")?))
}

/// What a restore did on disk and in the node.
#[derive(Debug, Clone)]
pub struct Done {
    /// In the node.
    pub restored: Restored,
    /// Where the database that was in place is now.
    pub aside: Option<PathBuf>,
    /// Attachments the database speaks of whose bytes are nowhere: received ones are fetched again, own ones are lost.
    pub attachments_missing: u64,
    /// Rows of the copy that are not what was put there, by table; they cannot be read.
    pub damage: Option<String>,
}

/// Puts a copy in place of the node's database, or takes the one in place (a server's, or one that came back with
/// the machine), and begins anew: a successor of the log, a new epoch in each lane. What was in place is put aside, never
/// removed. The node must not run.
///
/// # Errors
/// When the copy is not sound or of another party, or the node runs.
pub fn restore(directory: &Path, copy: Option<&Path>) -> Result<Done> {
    let config = Config::load(directory)?;
    let blobs = Blobs::at(directory.join(&config.attachments));
    // Once, and first: a passphrase takes seconds to try, and without the keys nothing is moved.
    let keys = Unlocked::of(directory, &config)?;
    let mut damage = None;
    let (aside, sources) = match (copy, config.database(directory)?) {
        (None, _) => (None, None),
        (Some(copy), Database::Sqlite(path)) => {
            let found;
            (found, damage) = check_file(copy, Some(keys.master()?))?;
            put_in_place((copy, &found), &path, &blobs)?
        }
        (Some(_), Database::Postgres(_)) => bail!(
            "the node is on PostgreSQL: restore the database with PostgreSQL's own tools, then run \
             `mithaq restore DIR` without a copy"
        ),
    };
    let db = setup::open_database(directory, &config)?;
    mithaq_store::migrate(&db)?;
    let files = files::complete(&db)?;
    db.close();
    if let Some(sources) = sources {
        files::put_back(&sources, &blobs, &files)?;
    }
    let missing = files::missing(&blobs, &files);
    let (app, restored) = setup::restore(directory, &config, keys)?;
    app.close();
    let attachments_missing = u64::try_from(missing).unwrap_or(u64::MAX);
    Ok(Done { restored, aside, attachments_missing, damage })
}

/// Puts the database of a copy in place. Returns where the one before is now, and where attachments may be had.
fn put_in_place(
    (copy, found): (&Path, &Label),
    path: &Path,
    blobs: &Blobs,
) -> Result<(Option<PathBuf>, Option<Sources>)> {
    let source = if copy.is_dir() { copy.join(DATABASE) } else { copy.to_path_buf() };
    // Whoever runs the node holds its lock: two on one database are refused.
    if path.exists() {
        let running = Db::open_sqlite(path, SqliteOptions::default());
        let db = running.context("the database in place cannot be opened alone: is the node running?")?;
        let party = db.read(|tx| mithaq_store::settings::identity(tx)).ok().flatten();
        db.close();
        if party.is_some_and(|identity| identity.party.to_string() != found.party) {
            bail!("the copy is of `{}`, another party than the node's", found.party);
        }
    }
    let now = mithaq_app::ports::Clock::now(&crate::SystemClock);
    let mut aside = None;
    for suffix in ["", "-wal", "-shm"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        let to = aside::name(path, now, suffix);
        if from.exists() {
            fs::rename(&from, &to)?;
            aside = aside.or(Some(to));
        }
    }
    backup_sqlite(&source, path)?;
    // Attachments are put aside as well: the next start removes what the older database does not name.
    let before = aside::name(blobs.dir(), now, "");
    if blobs.dir().is_dir() {
        fs::rename(blobs.dir(), &before)?;
    }
    Ok((aside, Some(Sources { aside: Blobs::at(before), copy: blobs_of(&source) })))
}

fn hash_of(path: &Path) -> Result<String> {
    Ok(setup::hex(digest(&SHA256, &fs::read(path)?).as_ref()))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _gone => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Init;
    use mithaq_app::NewOfficer;
    use mithaq_model::{Days, Lang, PartyId, Role, Sensitive, UnitId};
    use mithaq_store::StoreError;

    fn node(directory: &Path, party: &str) {
        let party = PartyId::new(party).unwrap();
        let init = Init { party, config: Config::default(), valid: Days(30) };
        setup::init(directory, &init).unwrap();
    }

    #[test]
    fn a_copy_made_while_the_node_is_open_is_sound_and_leads_back() {
        let dir = tempfile::tempdir().unwrap();
        let (home, out) = (dir.path().join("node"), dir.path().join("copy"));
        node(&home, "ma-security");
        let (app, _config, _identity) = setup::open(&home, Box::new(|| ())).unwrap();
        let label = backup(&home, &out, Attachments::Copy).unwrap();
        assert_eq!((label.party.as_str(), label.log.as_str()), ("ma-security", "ma-security/log"));
        assert!(label.entries >= label.signed && label.signed > 0);
        assert!(backup(&home, &out, Attachments::Copy).is_err(), "never over another");
        assert!(restore(&home, Some(&out)).is_err(), "not while it runs");
        app.close();
        drop(app);
        assert_eq!(put_aside(&home).unwrap(), []);
        let before = keyfile::opened();
        let done = restore(&home, Some(&out)).unwrap();
        assert_eq!(keyfile::opened() - before, 1, "the key file is opened once");
        assert_eq!(done.restored.log, "ma-security/log/2");
        assert!(done.aside.as_ref().unwrap().is_file(), "what was in place is kept");
        let kept: Vec<PathBuf> = put_aside(&home).unwrap().into_iter().map(|one| one.path).collect();
        assert!(kept.contains(&done.aside.unwrap()), "{kept:?}");
        assert!(put_aside(&home).unwrap().iter().all(|one| !one.stays_too_long()));
        assert_eq!(erase_put_aside(&home).unwrap().len(), kept.len());
        assert!(kept.iter().all(|path| !path.exists()), "{kept:?}");
        let (again, ..) = setup::open(&home, Box::new(|| ())).unwrap();
        assert!(again.log_key().unwrap().to_string().starts_with("ma-security/log/2+"));
        again.close();
        drop(again);
        // The same copy a second time: the log that was begun then is not begun anew.
        let done = restore(&home, Some(&out)).unwrap();
        assert_eq!(
            (done.restored.before.as_str(), done.restored.log.as_str()),
            ("ma-security/log", "ma-security/log/3")
        );
        let (third, ..) = setup::open(&home, Box::new(|| ())).unwrap();
        assert!(third.log_key().unwrap().to_string().starts_with("ma-security/log/3+"));
        third.close();
    }

    #[test]
    fn a_damaged_copy_and_one_of_another_party_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (home, other, out) = (dir.path().join("node"), dir.path().join("other"), dir.path().join("copy"));
        node(&home, "ma-security");
        node(&other, "es-police");
        backup(&home, &out, Attachments::Copy).unwrap();
        check(&out.display().to_string(), None).unwrap();
        assert!(restore(&other, Some(&out)).is_err(), "another party's");
        let file = out.join(DATABASE);
        let good = fs::read(&file).unwrap();
        for place in [good.len() / 3, good.len() / 2, good.len() - 100] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            fs::write(&file, &bad).unwrap();
            assert!(check(&out.display().to_string(), None).is_err(), "byte {place}");
        }
        assert!(check(&dir.path().join("nothing").display().to_string(), None).is_err());
    }

    #[test]
    fn a_damaged_record_is_named_and_does_not_keep_the_only_copy_from_being_restored() {
        let dir = tempfile::tempdir().unwrap();
        let (home, out, again) = (dir.path().join("node"), dir.path().join("copy"), dir.path().join("again"));
        node(&home, "ma-security");
        let (app, ..) = setup::open(&home, Box::new(|| ())).unwrap();
        app.add_first_officers(&[NewOfficer {
            login: "admin".to_owned(),
            name: Sensitive::new("First officer".to_owned()),
            unit: UnitId::new([1; 16]),
            roles: [Role::NodeAdministrator].into_iter().collect(),
            lang: Lang::EN,
        }])
        .unwrap();
        app.close();
        drop(app);
        let good = backup(&home, &out, Attachments::Copy).unwrap();
        assert_eq!(good.contents, Some(1), "the officer's name was opened");
        let db = Db::open_sqlite(home.join(DATABASE), SqliteOptions::default()).unwrap();
        // One byte of one content, as a disk that forgets changes it.
        let flip =
            "UPDATE officer SET content = CAST(substr(content, 1, length(content) - 1) || x'00' AS BLOB)";
        db.write(move |tx| Ok::<_, StoreError>(tx.exec(flip, &[])?)).unwrap();
        db.close();
        drop(db);
        let told = backup(&home, &again, Attachments::Copy).unwrap_err().to_string();
        assert!(told.contains("officer 1"), "{told}");
        let place = again.display().to_string();
        assert!(check(&place, Some(&home)).unwrap_err().to_string().contains("officer 1"));
        assert_eq!(check(&place, None).unwrap().contents, None, "without the keys nobody can know");
        assert_eq!(restore(&home, Some(&again)).unwrap().damage.as_deref(), Some("officer 1"));
        assert_eq!(restore(&home, Some(&out)).unwrap().damage, None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_copy() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (home, out) = (dir.path().join("node"), dir.path().join("copy"));
        node(&home, "ma-security");
        backup(&home, &out, Attachments::Copy).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&out), mode(&out.join(DATABASE))), (0o700, 0o600));
    }
}
