//! TLS to the database, by `sslmode` (lib/pq `ssl.go`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    /// lib/pq's default: encrypted, and the certificate is looked at only where a root certificate is known.
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    pub fn read(word: &str) -> Result<Self, String> {
        Ok(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err("not one of disable, allow, prefer, require, verify-ca, verify-full".to_owned()),
        })
    }
}

/// Certificates: paths, or with `sslinline` their texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    pub root: String,
    pub certificate: String,
    pub key: String,
    pub inline: bool,
    /// `~/.postgresql`, where they are looked for when nothing is said.
    pub home: PathBuf,
}

/// What makes connections with TLS.
pub(super) fn connector(mode: Mode, files: &Files) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(mode, files, &provider)?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let config = match files.client()? {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| format!("sslcert: {error}"))?,
        None => config.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

impl Files {
    /// The certificates to trust; `None` when none are named and none are in their usual place.
    fn roots(&self) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
        let Some(pem) = self.read("sslrootcert", &self.root, "root.crt")? else {
            return Ok(None);
        };
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
            _ => Err("sslrootcert: no certificate in PEM".to_owned()),
        }
    }

    /// The certificate to show, with its key.
    fn client(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, String> {
        let certificate = self.read("sslcert", &self.certificate, "postgresql.crt")?;
        let Some(certificate) = certificate else { return Ok(None) };
        let key = self.read("sslkey", &self.key, "postgresql.key")?.ok_or("sslkey: there is none for sslcert")?;
        let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| format!("sslcert: {error}"))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("sslkey: {error}"))?;
        Ok(Some((chain, key)))
    }

    /// What is named, or what lies in the usual place.
    fn read(&self, setting: &str, named: &str, usual: &str) -> Result<Option<Vec<u8>>, String> {
        if self.inline {
            return Ok(Some(named.as_bytes().to_vec()).filter(|text| !text.is_empty()));
        }
        let usual = self.home.join(usual);
        let path = if named.is_empty() { usual.as_path() } else { Path::new(named) };
        if named.is_empty() && !path.exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(path).map_err(|error| format!("{setting}: {}: {error}", path.display()))?;
        Ok(Some(bytes))
    }
}

/// Looks at the server's certificate as strictly as `sslmode` wants.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Whom to trust; `None` trusts anyone.
    trusted: Option<Trusted>,
    /// Whether the certificate must bear the host's name.
    names: bool,
}

#[derive(Debug)]
struct Trusted {
    anchors: RootCertStore,
    /// The same as they are: a server that signed its own certificate is known by it.
    certificates: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(mode: Mode, files: &Files, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let of_system = files.root == "system";
        if of_system && mode != Mode::VerifyFull {
            return Err("sslrootcert=system wants sslmode=verify-full: anyone can have a certificate".to_owned());
        }
        let verifies = matches!(mode, Mode::VerifyCa | Mode::VerifyFull);
        let certificates = match if of_system { None } else { files.roots()? } {
            Some(certificates) => Some(certificates),
            None if verifies => Some(rustls_native_certs::load_native_certs().certs),
            None => None,
        };
        let trusted = certificates.map(|certificates| {
            let mut anchors = RootCertStore::empty();
            anchors.add_parsable_certificates(certificates.iter().cloned());
            Trusted { anchors, certificates }
        });
        Ok(Self { provider: Arc::clone(provider), trusted, names: mode == Mode::VerifyFull })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trusted) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if !trusted.certificates.contains(end_entity) {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &trusted.anchors, intermediates, now, algorithms)
                .map_err(in_words)?;
        }
        if self.names {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A server that signed its own certificate and is not trusted is told in the library's inner words.
fn in_words(error: rustls::Error) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(_)) => CertificateError::UnknownIssuer.into(),
        error => error,
    }
}
