//! TLS between nodes: version 1.3 only, both sides show a certificate, keys are pinned by SHA-256 of their
//! public key info, key exchange X25519MLKEM768 only. There is no web PKI here: no authority, no name, no
//! expiry of a certificate decides anything; the manifest of a partner with an agreement does.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use mithaq_model::PartyId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error as TlsError,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use thiserror::Error;

/// SHA-256 of a certificate's subject public key info.
pub(crate) type Pin = [u8; 32];

/// The partners whose keys are accepted, changed while the node runs. Empty means nobody.
#[derive(Debug, Default)]
pub(crate) struct Pins(RwLock<BTreeMap<Pin, PartyId>>);

impl Pins {
    /// Replaces the whole set.
    pub(crate) fn replace(&self, pins: BTreeMap<Pin, PartyId>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pins;
    }

    /// Returns whose key it is.
    #[must_use]
    pub(crate) fn party(&self, pin: &Pin) -> Option<PartyId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(pin).cloned()
    }
}

/// Why TLS could not be set up. Never holds a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// The stored key is unusable.
    #[error("the TLS key is malformed")]
    Key,
    /// The library refused the configuration.
    #[error("TLS cannot be configured")]
    Config(#[source] TlsError),
}

/// A node's own TLS identity.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    pin: Pin,
}

impl Identity {
    /// Makes a new Ed25519 key; returns it as PKCS #8.
    ///
    /// # Errors
    /// When the library fails.
    pub fn generate() -> Result<Vec<u8>, TlsSetupError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|_| TlsSetupError::Key)?;
        Ok(pair.serialize_der())
    }

    /// Takes a stored key (PKCS #8) and makes the self-signed certificate around it. Only the key counts:
    /// names and dates in the certificate are constant.
    ///
    /// # Errors
    /// When the key is malformed.
    pub fn new(pkcs8: &[u8]) -> Result<Self, TlsSetupError> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
        let pair = rcgen::KeyPair::from_der_and_sign_algo(&der, &rcgen::PKCS_ED25519)
            .map_err(|_| TlsSetupError::Key)?;
        let params =
            rcgen::CertificateParams::new(vec!["node.invalid".to_owned()]).map_err(|_| TlsSetupError::Key)?;
        let certificate = params.self_signed(&pair).map_err(|_| TlsSetupError::Key)?.der().clone();
        let pin = pin_of(&certificate).map_err(TlsSetupError::Config)?;
        Ok(Self { certificate, key: pkcs8.to_vec(), pin })
    }

    /// Returns the pin partners know this node by.
    #[must_use]
    pub const fn pin(&self) -> [u8; 32] {
        self.pin
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

/// The identities of a node, newest first: while partners learn of a new key, the old one is shown to those who expect
/// it. Changed while the node runs; never empty.
pub(crate) struct Identities(RwLock<Vec<Arc<Identity>>>);

impl Identities {
    pub(crate) fn new(newest: Identity, earlier: Vec<Identity>) -> Self {
        let all = core::iter::once(newest).chain(earlier).map(Arc::new);
        Self(RwLock::new(all.collect()))
    }

    /// Replaces the whole set.
    pub(crate) fn replace(&self, all: Vec<Identity>) {
        if !all.is_empty() {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = all.into_iter().map(Arc::new).collect();
        }
    }

    /// The n-th, from the newest, counting round.
    pub(crate) fn at(&self, n: usize) -> Option<Arc<Identity>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(n.checked_rem(all.len())?).cloned()
    }

    /// The one with a pin.
    fn expected(&self, name: &str) -> Option<Arc<Identity>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| name_of(&one.pin) == name).cloned()
    }
}

impl core::fmt::Debug for Identities {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<identities>")
    }
}

/// The name a client asks for: the key it expects, so that a node with two keys shows the right one. Half of the pin
/// finds; the whole is compared by the client.
pub(crate) fn name_of(pin: &Pin) -> String {
    let half = pin.first_chunk::<16>().map(|half| crate::setup::hex(half)).unwrap_or_default();
    format!("{half}.node.invalid")
}

/// Shows the key the client expects, else the newest.
#[derive(Debug)]
struct Shown {
    identities: Arc<Identities>,
    keys: &'static dyn rustls::crypto::KeyProvider,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().and_then(|name| self.identities.expected(name));
        let identity = asked.or_else(|| self.identities.at(0))?;
        let key = self.keys.load_private_key(identity.private()).ok()?;
        Some(Arc::new(CertifiedKey::new(vec![identity.certificate.clone()], key)))
    }
}

/// Returns the pin of a certificate.
///
/// # Errors
/// When the bytes are no certificate.
pub(crate) fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, TlsError> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let info = parsed.subject_public_key_info();
    let digest = ::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, info.as_ref());
    digest.as_ref().try_into().map_err(|_| TlsError::General("digest length".to_owned()))
}

fn provider() -> CryptoProvider {
    CryptoProvider { kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768], ..aws_lc_rs::default_provider() }
}

/// Makes the accepting side: any pinned partner may connect, nobody else gets past the handshake.
///
/// # Errors
/// When the key is unusable.
pub(crate) fn server_config(
    identities: Arc<Identities>,
    pins: Arc<Pins>,
) -> Result<ServerConfig, TlsSetupError> {
    let provider = Arc::new(provider());
    let shown = Arc::new(Shown { identities, keys: provider.key_provider });
    let verifier = Arc::new(PinnedClients { pins, algorithms: provider.signature_verification_algorithms });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsSetupError::Config)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // No resumption: every connection proves its key anew.
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Makes the connecting side for one partner: exactly its key is accepted.
///
/// # Errors
/// When the key is unusable.
pub(crate) fn client_config(identity: &Identity, expected: Pin) -> Result<ClientConfig, TlsSetupError> {
    let provider = Arc::new(provider());
    let verifier =
        Arc::new(PinnedServer { expected, algorithms: provider.signature_verification_algorithms });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsSetupError::Config)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.private())
        .map_err(TlsSetupError::Config)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

const REFUSED: TlsError = TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

#[derive(Debug)]
struct PinnedServer {
    expected: Pin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if pin_of(certificate)? == self.expected { Ok(ServerCertVerified::assertion()) } else { Err(REFUSED) }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(REFUSED)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[derive(Debug)]
struct PinnedClients {
    pins: Arc<Pins>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for PinnedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        match self.pins.party(&pin_of(certificate)?) {
            Some(_party) => Ok(ClientCertVerified::assertion()),
            None => Err(REFUSED),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(REFUSED)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConnection, ServerConnection};

    fn identity() -> Identity {
        Identity::new(&Identity::generate().unwrap()).unwrap()
    }

    /// The accepting side of a node with one key.
    fn server_of(identity: &Identity, pins: Arc<Pins>) -> Result<ServerConfig, TlsSetupError> {
        server_config(Arc::new(Identities::new(Identity::new(&identity.key).unwrap(), Vec::new())), pins)
    }

    #[test]
    fn a_node_with_two_keys_shows_the_one_its_partner_expects() {
        let (partner, old, new) = (identity(), identity(), identity());
        let (old_pin, new_pin) = (old.pin(), new.pin());
        let both = Arc::new(Identities::new(new, vec![old]));
        for expected in [old_pin, new_pin] {
            let server = server_config(Arc::clone(&both), pins(&partner)).unwrap();
            let client = client_config(&partner, expected).unwrap();
            assert!(meet(&name_of(&expected), client, server).is_ok());
        }
        // Whoever names none is shown the newest; the pin decides, not the name.
        let server = || server_config(Arc::clone(&both), pins(&partner)).unwrap();
        assert!(handshake(client_config(&partner, new_pin).unwrap(), server()).is_ok());
        assert!(handshake(client_config(&partner, old_pin).unwrap(), server()).is_err());
        let wrong = meet(&name_of(&old_pin), client_config(&partner, new_pin).unwrap(), server());
        assert!(wrong.is_err());
        // The old key was taken away: who expects it is refused.
        let newest = both.at(0).map(|one| Identity::new(&one.key).unwrap()).unwrap();
        both.replace(vec![newest]);
        assert!(meet(&name_of(&old_pin), client_config(&partner, old_pin).unwrap(), server()).is_err());
    }

    fn handshake(
        client: ClientConfig,
        server: ServerConfig,
    ) -> Result<(ClientConnection, ServerConnection), TlsError> {
        meet("node.invalid", client, server)
    }

    fn meet(
        name: &str,
        client: ClientConfig,
        server: ServerConfig,
    ) -> Result<(ClientConnection, ServerConnection), TlsError> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        for _ in 0..10 {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut bytes = Vec::new();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets()?;
            if !client.is_handshaking() && !server.is_handshaking() {
                return Ok((client, server));
            }
        }
        Err(TlsError::General("no end".to_owned()))
    }

    fn pins(identity: &Identity) -> Arc<Pins> {
        let pins = Pins::default();
        pins.replace([(identity.pin(), PartyId::new("es-police").unwrap())].into());
        Arc::new(pins)
    }

    #[test]
    fn pinned_partners_meet_with_hybrid_key_exchange() {
        let (a, b) = (identity(), identity());
        let client = client_config(&a, b.pin()).unwrap();
        let server = server_of(&b, pins(&a)).unwrap();
        let (client, server) = handshake(client, server).unwrap();
        assert_eq!(
            client.negotiated_key_exchange_group().unwrap().name(),
            rustls::NamedGroup::X25519MLKEM768
        );
        assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        let shown = server.peer_certificates().unwrap().first().unwrap();
        assert_eq!(pin_of(shown).unwrap(), a.pin());
    }

    #[test]
    fn a_key_nobody_pinned_is_refused_by_either_side() {
        let (a, b, stranger) = (identity(), identity(), identity());
        let to_wrong_server = client_config(&a, stranger.pin()).unwrap();
        assert!(handshake(to_wrong_server, server_of(&b, pins(&a)).unwrap()).is_err());
        let from_stranger = client_config(&stranger, b.pin()).unwrap();
        assert!(handshake(from_stranger, server_of(&b, pins(&a)).unwrap()).is_err());
        let nobody = Arc::new(Pins::default());
        assert!(handshake(client_config(&a, b.pin()).unwrap(), server_of(&b, nobody).unwrap()).is_err());
    }

    #[test]
    fn classic_key_exchange_alone_is_refused() {
        let (a, b) = (identity(), identity());
        let mut classic = aws_lc_rs::default_provider();
        classic.kx_groups = vec![aws_lc_rs::kx_group::X25519];
        let verifier =
            PinnedServer { expected: b.pin(), algorithms: classic.signature_verification_algorithms };
        let client = ClientConfig::builder_with_provider(Arc::new(classic))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(vec![a.certificate.clone()], a.private())
            .unwrap();
        assert!(handshake(client, server_of(&b, pins(&a)).unwrap()).is_err());
    }
}
