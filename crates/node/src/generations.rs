//! Generations of keys on disk: the first lies in the key file with the keys of the log and the store, each later one in
//! a file of its own beside it (`node-2.mxk`), made by `prepare` and used once the root signed its manifest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use mithaq_app::App;
use mithaq_envelope::{
    AgencySigner as _, KemOpener as _, NodeSigner as _, SoftKeys, manifest_root, verify_manifest,
};
use mithaq_model::{Days, Timestamp};
use mithaq_wire::{Digest, Manifest, encode_manifest};

use crate::config::Config;
use crate::keyfile::{self, Secrets, Unlock};
use crate::setup::{random, random_secrets, soft_keys, tls_identity, unlock};
use crate::tls::Identity;

/// Most files looked at.
const GENERATIONS_MAX: u32 = 256;

/// The files of later generations, with what unlocks them.
pub(crate) struct Generations {
    first: PathBuf,
    unlock: Arc<Unlock>,
}

impl Generations {
    /// Those beside the key file of a node.
    pub(crate) fn beside(first: &Path, unlock: Unlock) -> Self {
        Self { first: first.to_path_buf(), unlock: Arc::new(unlock) }
    }

    fn file(&self, number: u32) -> PathBuf {
        let name = self.first.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.first.with_file_name(format!("{name}-{number}.mxk"))
    }

    fn opened(&self) -> impl Iterator<Item = Secrets> {
        let there = (2..=GENERATIONS_MAX).map(|number| self.file(number)).filter(|path| path.exists());
        there.filter_map(|path| keyfile::open(&path, &self.unlock).ok())
    }

    /// The keys with a node key.
    pub(crate) fn soft(&self, node_key: &[u8; 32]) -> Option<SoftKeys> {
        self.opened().find_map(|secrets| soft_keys(&secrets).ok().filter(|keys| keys.node_key() == *node_key))
    }

    /// The TLS identities of this node's manifests that a partner may still expect, newest first.
    fn identities(&self, app: &App) -> Vec<Identity> {
        let registry = app.registry();
        let Some(own) = registry.peers.get(app.party()) else { return Vec::new() };
        let all = keyfile::open(&self.first, &self.unlock).into_iter().chain(self.opened());
        let mut all: Vec<Identity> = all.filter_map(|secrets| tls_identity(&secrets).ok()).collect();
        let mut ordered = Vec::new();
        for manifest in own.manifests.iter().rev() {
            let pin = manifest.manifest().tls_spki.0;
            if let Some(at) = all.iter().position(|one| one.pin() == pin) {
                ordered.push(all.swap_remove(at));
            }
        }
        ordered
    }
}

/// Reads the TLS identities of a node again.
///
/// # Errors
/// When its keys cannot be unlocked.
pub(crate) fn identities(directory: &Path, app: &App) -> Result<Vec<Identity>> {
    let config = Config::load(directory)?;
    let unlock = unlock(directory, &config)?;
    Ok(Generations::beside(&directory.join(&config.keys), unlock).identities(app))
}

/// What the next manifest is to say.
#[derive(Debug, Clone)]
pub struct Next {
    /// The newest manifest, as signed.
    pub last: Vec<u8>,
    /// Where the node is reached from then on; none: as before. Empty: it accepts no connection.
    pub endpoint: Option<String>,
    /// How long it is valid.
    pub valid: Days,
    /// Whether the keys change; else only what it says of the node.
    pub new_keys: bool,
    /// Key of the log the node writes now; none: as before.
    pub log_key: Option<String>,
}

/// What was prepared.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The manifest to be signed, unsigned.
    pub request: Vec<u8>,
    /// Its number.
    pub number: u32,
    /// The file of the new keys; none when they stay.
    pub file: Option<PathBuf>,
    /// Valid until.
    pub valid_to: Timestamp,
}

/// Makes new keys in a file beside the others, and the manifest that names them, for the root to sign elsewhere. Nothing
/// changes for the node before two persons install what comes back.
///
/// # Errors
/// When the directory holds no node, the manifest is none, or the file of this generation is there already.
pub fn prepare(directory: &Path, next: &Next) -> Result<Prepared> {
    let config = Config::load(directory)?;
    let root = manifest_root(&next.last)?;
    let last = last_of(&next.last, &root)?;
    let number = last.number.checked_add(1).context("no further manifest")?;
    let unlock = unlock(directory, &config)?;
    let generations = Generations::beside(&directory.join(&config.keys), unlock);
    let now = mithaq_app::ports::Clock::now(&crate::machine::SystemClock);
    let mut manifest = Manifest {
        number,
        prev: mithaq_envelope::manifest_hash(&last),
        // A margin for clocks that differ.
        valid_from: now.minus(Days(1)),
        valid_to: now.plus(next.valid),
        ..last
    };
    if let Some(endpoint) = &next.endpoint {
        manifest.endpoints = if endpoint.is_empty() { Vec::new() } else { vec![endpoint.clone()] };
    }
    if let Some(key) = &next.log_key {
        manifest.log_key.clone_from(key);
    }
    let mut file = None;
    if next.new_keys {
        let path = generations.file(number);
        if path.exists() {
            bail!(
                "`{}` is there already: keys of this generation were prepared; move the file away to make others",
                path.display()
            );
        }
        let mut secrets = random_secrets(&["seal", "node", "kem"])?;
        secrets.put("tls", Identity::generate()?);
        keyfile::create(&path, &secrets, &generations.unlock, &random()?)?;
        let soft = soft_keys(&secrets)?;
        manifest.seal_keys = vec![soft.seal_key()];
        manifest.node_key = soft.node_key();
        manifest.kem_key = soft.kem_key().to_vec();
        manifest.tls_spki = Digest(tls_identity(&secrets)?.pin());
        file = Some(path);
    }
    Ok(Prepared { request: encode_manifest(&manifest), number, file, valid_to: manifest.valid_to })
}

/// The manifest in signed bytes that are the node's own: its root is the one they carry.
fn last_of(bytes: &[u8], root: &[u8; 32]) -> Result<Manifest> {
    let party = mithaq_envelope::manifest_party(bytes)?;
    Ok(verify_manifest(bytes, &party, root, None)?.manifest().clone())
}
