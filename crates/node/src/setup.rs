//! A node on disk: made once by `init`, opened by everything else. Makes keys, configuration and database; never
//! makes any of them by surprise.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use mithaq_app::{App, AttachmentLimits, Keys, Parts, Restored};
use mithaq_db::{Db, PostgresOptions, SqliteOptions};
use mithaq_envelope::{
    AgencySigner as _, KemOpener as _, NodeSigner as _, RootSigner as _, Seeds, SoftKeys, SoftRoot,
    sign_manifest,
};
use mithaq_ledger::KeyKind;
use mithaq_model::{Days, PartyId};
use mithaq_store::MasterKey;
use mithaq_store::blobs::{Blobs, Room as _};
use mithaq_wire::{Digest, Manifest};
use zeroize::Zeroizing;

use crate::config::{Config, Database};
use crate::generations::Generations;
use crate::keyfile::{self, Secrets, Unlock};
use crate::log_key::LogKey;
use crate::machine::{SystemClock, SystemEntropy};
use crate::mark::MarkFile;
use crate::ops::Disk;
use crate::tls::Identity;

/// Name of the root key file in a new node's directory. To be moved offline.
pub const ROOT_FILE: &str = "root.mxk";

/// What a new node is told.
#[derive(Debug, Clone)]
pub struct Init {
    /// Party it acts for.
    pub party: PartyId,
    /// Configuration to write.
    pub config: Config,
    /// How long the first manifest is valid.
    pub valid: Days,
}

/// What a new node prints: public, to be compared with partners.
#[derive(Debug, Clone)]
pub struct Made {
    /// Fingerprint of the root keys, 64 hexadecimal digits.
    pub root: String,
    /// Verifier key of the log.
    pub log_key: String,
    /// Where the root key file is: to be moved offline.
    pub root_file: PathBuf,
}

/// Makes a node: directory, keys, configuration, database, first manifest.
///
/// # Errors
/// When the directory holds a node already, or anything cannot be written.
pub fn init(directory: &Path, init: &Init) -> Result<Made> {
    if directory.join(crate::config::FILE).exists() {
        bail!("there is a node in `{}` already", directory.display());
    }
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    restrict(directory)?;
    let unlock = new_unlock(directory, &init.config)?;
    let root_secrets = random_secrets(&["ed25519", "ml_dsa"])?;
    let root_file = directory.join(ROOT_FILE);
    keyfile::create(&root_file, &root_secrets, &unlock, &random()?)?;
    let mut secrets = random_secrets(&["seal", "node", "kem", "log", "witness", "master"])?;
    secrets.put("tls", Identity::generate()?);
    keyfile::create(&directory.join(&init.config.keys), &secrets, &unlock, &random()?)?;
    init.config.create(directory)?;

    let root = soft_root(&root_secrets)?;
    let fingerprint = root.root_keys().fingerprint();
    let (parts, manifest) = first_manifest(directory, init, &secrets)?;
    let signed = sign_manifest(&manifest, &root)?;
    let db = open_database(directory, &init.config)?;
    let app = App::create(db, &init.party, parts, (fingerprint, &signed)).map_err(explain)?;
    let log_key = app.log_key().map_err(explain)?.to_string();
    app.sign_checkpoint().map_err(explain)?;
    app.close();
    Ok(Made { root: hex(&fingerprint), log_key, root_file })
}

fn first_manifest(directory: &Path, init: &Init, secrets: &Secrets) -> Result<(Parts, Manifest)> {
    let identity = tls_identity(secrets)?;
    let soft = soft_keys(secrets)?;
    let witness = witness_key(&init.party, secrets)?;
    let log = LogKey::new(&format!("{}/log", init.party), KeyKind::Ed25519, &*secrets.seed("log")?)?;
    let now = mithaq_app::ports::Clock::now(&SystemClock);
    let manifest = Manifest {
        party: init.party.clone(),
        number: 1,
        prev: Digest::ZERO,
        // A margin for clocks that differ.
        valid_from: now.minus(Days(1)),
        valid_to: now.plus(init.valid),
        seal_keys: vec![soft.seal_key()],
        node_key: soft.node_key(),
        kem_key: soft.kem_key().to_vec(),
        log_key: log.public().to_string(),
        witness_key: witness.public().to_string(),
        tls_spki: Digest(identity.pin()),
        endpoints: init.config.peer_endpoints(),
    };
    let keys = directory.join(&init.config.keys);
    let unlock = self::unlock(directory, &init.config)?;
    let beside = Beside::of(directory, &init.config, unlock);
    Ok((parts(&init.party, (secrets, &keys), Box::new(|| ()), beside)?, manifest))
}

/// Opens the node in a directory.
///
/// # Errors
/// When there is none, its keys cannot be unlocked, or its store does not answer.
pub fn open(directory: &Path, waker: Box<dyn Fn() + Send + Sync>) -> Result<(App, Config, Identity)> {
    let (app, config, identity, _disk) = open_on(directory, waker)?;
    Ok((app, config, identity))
}

/// As [`open`], with the volumes that the node writes to.
pub(crate) fn open_on(
    directory: &Path,
    waker: Box<dyn Fn() + Send + Sync>,
) -> Result<(App, Config, Identity, Arc<Disk>)> {
    let config = Config::load(directory)?;
    let disk = Disk::of_node(directory, &config);
    open_with(directory, config, waker, Arc::new(disk))
}

fn open_with(
    directory: &Path,
    config: Config,
    waker: Box<dyn Fn() + Send + Sync>,
    disk: Arc<Disk>,
) -> Result<(App, Config, Identity, Arc<Disk>)> {
    // Opening writes: on a full volume the ballast goes first.
    let _all_is_well = disk.relieve();
    let Unlocked { unlock, secrets } = Unlocked::of(directory, &config)?;
    let db = open_database(directory, &config)?;
    let party = party_of(&db)?;
    let keys = directory.join(&config.keys);
    let room = Arc::clone(&disk);
    let beside = Beside::of(directory, &config, unlock).within(room);
    let app = App::open(db, parts(&party, (&secrets, &keys), waker, beside)?).map_err(explain)?;
    let mib = |number: u64| number.saturating_mul(1024 * 1024);
    app.limit_attachments(AttachmentLimits {
        longest: mib(config.attachment_max_mib),
        quota: mib(config.attachment_quota_mib),
        ..AttachmentLimits::default()
    });
    app.sample_justifications(usize::try_from(config.justification_sample).unwrap_or(usize::MAX));
    Ok((app, config, tls_identity(&secrets)?, disk))
}

/// Opens a node whose database was put back from a copy, and begins anew what must not be continued.
///
/// # Errors
/// As [`open`].
pub(crate) fn restore(directory: &Path, config: &Config, unlocked: Unlocked) -> Result<(App, Restored)> {
    let Unlocked { unlock, secrets } = unlocked;
    let _all_is_well = Disk::of_node(directory, config).relieve();
    let db = open_database(directory, config)?;
    let party = party_of(&db)?;
    let keys = directory.join(&config.keys);
    let beside = Beside::of(directory, config, unlock);
    App::restore(db, parts(&party, (&secrets, &keys), Box::new(|| ()), beside)?).map_err(explain)
}

/// The keys of a node as its key file holds them, with what unlocked it.
pub(crate) struct Unlocked {
    unlock: Unlock,
    secrets: Secrets,
}

impl Unlocked {
    /// Opens the key file of the node in a directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be unlocked without asking.
    pub(crate) fn of(directory: &Path, config: &Config) -> Result<Self> {
        let unlock = unlock(directory, config)?;
        let secrets = keyfile::open(&directory.join(&config.keys), &unlock)?;
        Ok(Self { unlock, secrets })
    }

    /// The key that contents of the node are encrypted under.
    pub(crate) fn master(&self) -> Result<MasterKey> {
        master_in(&self.secrets)
    }
}

/// The key that contents of the node in a directory are encrypted under.
///
/// # Errors
/// When there is none, or it cannot be unlocked without asking.
pub(crate) fn master(directory: &Path) -> Result<MasterKey> {
    Unlocked::of(directory, &Config::load(directory)?)?.master()
}

fn master_in(secrets: &Secrets) -> Result<MasterKey> {
    Ok(MasterKey::new(1, *secrets.seed("master")?))
}

/// Opens the root keys in a file.
///
/// # Errors
/// When they cannot be unlocked.
pub fn open_root(file: &Path, unlock: &Unlock) -> Result<SoftRoot> {
    soft_root(&keyfile::open(file, unlock)?)
}

/// What unlocks the key files of the node in a directory: the file its configuration names, else
/// `MITHAQ_PASSPHRASE`.
///
/// # Errors
/// When there is neither.
pub fn unlock(directory: &Path, config: &Config) -> Result<Unlock> {
    if let Some(file) = &config.unlock {
        return Ok(Unlock::from_file(&directory.join(file))?);
    }
    match std::env::var("MITHAQ_PASSPHRASE") {
        Ok(phrase) => Ok(Unlock::Passphrase(Zeroizing::new(phrase))),
        Err(_unset) => bail!("the keys are locked with a passphrase: give it in MITHAQ_PASSPHRASE"),
    }
}

fn new_unlock(directory: &Path, config: &Config) -> Result<Unlock> {
    if let Some(file) = &config.unlock {
        let path = directory.join(file);
        if !path.exists() {
            keyfile::write_new(&path, &random::<32>()?)?;
        }
        return Ok(Unlock::from_file(&path)?);
    }
    unlock(directory, config)
}

fn party_of(db: &Db) -> Result<PartyId> {
    mithaq_store::migrate(db)?;
    let identity = db.read(|tx| mithaq_store::settings::identity(tx))?;
    Ok(identity.context("the database holds no node: set it up with `mithaq init`")?.party)
}

/// What lies beside the database: later generations of keys, and the bytes of attachments.
struct Beside {
    later: Generations,
    blobs: Blobs,
}

impl Beside {
    fn of(directory: &Path, config: &Config, unlock: Unlock) -> Self {
        let later = Generations::beside(&directory.join(&config.keys), unlock);
        Self { later, blobs: Blobs::at(directory.join(&config.attachments)) }
    }

    /// Attachments are written while the disk has room for them.
    fn within(self, disk: Arc<Disk>) -> Self {
        Self { blobs: self.blobs.within(disk), ..self }
    }
}

fn parts(
    party: &PartyId,
    (secrets, keys): (&Secrets, &Path),
    waker: Box<dyn Fn() + Send + Sync>,
    beside: Beside,
) -> Result<Parts> {
    let log = LogKey::new(&format!("{party}/log"), KeyKind::Ed25519, &*secrets.seed("log")?)?;
    let public = log.public().clone();
    let witness = witness_key(party, secrets)?;
    let Beside { later, blobs } = beside;
    Ok(Parts {
        keys: Keys::new(soft_keys(secrets)?, Box::new(log), public, Box::new(witness))
            .with_loader(Box::new(move |node_key| later.soft(node_key))),
        master: master_in(secrets)?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        waker,
        mark: Arc::new(MarkFile::beside(keys)),
        blobs,
    })
}

fn witness_key(party: &PartyId, secrets: &Secrets) -> Result<LogKey> {
    Ok(LogKey::new(&format!("{party}/witness"), KeyKind::Cosignature, &*secrets.seed("witness")?)?)
}

pub(crate) fn soft_keys(secrets: &Secrets) -> Result<SoftKeys> {
    let seeds = Seeds { seal: secrets.seed("seal")?, node: secrets.seed("node")?, kem: secrets.seed("kem")? };
    Ok(SoftKeys::new(&seeds)?)
}

fn soft_root(secrets: &Secrets) -> Result<SoftRoot> {
    Ok(SoftRoot::new(&secrets.seed("ed25519")?, &secrets.seed("ml_dsa")?)?)
}

pub(crate) fn tls_identity(secrets: &Secrets) -> Result<Identity> {
    let key = secrets.get("tls").context("the key file lacks the TLS key")?;
    Ok(Identity::new(key)?)
}

/// Opens the database of a configuration.
///
/// # Errors
/// When it cannot be opened.
pub fn open_database(directory: &Path, config: &Config) -> Result<Db> {
    match config.database(directory)? {
        Database::Sqlite(path) => {
            let shown = path.display().to_string();
            Db::open_sqlite(path, SqliteOptions::default()).map_err(|error| with_hint(error, &shown))
        }
        Database::Postgres(parameters) => Db::open_postgres(&parameters, PostgresOptions::default())
            .map_err(|error| with_hint(error, "postgres")),
    }
}

fn with_hint(error: mithaq_db::DbError, shown: &str) -> anyhow::Error {
    let hint = error.hint().unwrap_or("run `mithaq doctor`");
    anyhow::anyhow!("cannot open the database `{shown}`: {error}; {hint}")
}

/// The application's code with its chain, for the operator.
pub(crate) fn explain(error: mithaq_app::AppError) -> anyhow::Error {
    let hint = error.next_step().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let text = format!("{}: {}{hint}", error.code(), error.words().en);
    anyhow::Error::new(error).context(text)
}

pub(crate) fn random_secrets(names: &[&str]) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    for name in names {
        secrets.put(name, random::<32>()?.to_vec());
    }
    Ok(secrets)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness could be had: {error}"))?;
    Ok(bytes)
}

/// The directory of a node is its owner's alone.
pub(crate) fn restrict(directory: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Small hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new node, in a directory that goes with the first of the two.
    fn node() -> (tempfile::TempDir, PathBuf) {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("node");
        let party = PartyId::new("ma-security").unwrap();
        init(&directory, &Init { party, config: Config::default(), valid: Days(365) }).unwrap();
        (base, directory)
    }

    #[test]
    fn a_start_on_a_full_volume_lets_the_ballast_go_first() {
        let (_base, directory) = node();
        let size = 3_000_000;
        let disk = |free| Arc::new(Disk::told(1, (&directory, size), move || Some(free)));
        assert_eq!(disk(u64::MAX / 2).look().ballast, Some(true));
        let ballast = directory.join("node.ballast");
        let start = |free| {
            let config = Config::load(&directory).unwrap();
            let (app, ..) = open_with(&directory, config, Box::new(|| ()), disk(free)).unwrap();
            app.close();
            ballast.exists()
        };
        assert!(start(size), "there is room");
        assert!(!start(0), "there is none but its own");
        assert!(!start(0), "and it starts without one");
    }

    /// Fault group 10: what the node does not come across when it is opened, `mithaq doctor` finds.
    #[test]
    fn a_flipped_bit_in_any_page_of_the_database_is_found_and_told_what_to_do() {
        let (base, directory) = node();
        let file = directory.join("node.db");
        let page_size = 4096;
        // Without free pages, of which nobody reads anything.
        let sound = base.path().join("sound.db");
        mithaq_db::backup_sqlite(&file, &sound).unwrap();
        let good = std::fs::read(&sound).unwrap();
        let check = |damaged: &[u8]| {
            std::fs::write(&file, damaged).unwrap();
            let db = Db::open_sqlite(&file, SqliteOptions::default())?;
            let checked = db.check();
            db.close();
            checked
        };
        assert_eq!(check(&good), Ok(()));
        let pages = good.len() / page_size;
        assert!(pages > 100, "{pages}");
        for page in 0..pages {
            let mut damaged = good.clone();
            damaged[page * page_size] ^= 1;
            let found = check(&damaged).unwrap_err();
            assert!(found.hint().is_some_and(|hint| hint.contains("restore")), "page {page}: {found}");
            if page % 16 == 0 {
                let told = match open(&directory, Box::new(|| ())) {
                    Err(error) => format!("{error:#}"),
                    Ok((app, ..)) => {
                        let found = app.check_pages().unwrap_err();
                        app.close();
                        found.next_step().unwrap_or_default().to_owned()
                    }
                };
                assert!(told.contains("restore"), "page {page}: {told}");
            }
        }
    }
}
