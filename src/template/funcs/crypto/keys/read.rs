//! Reading private keys, with Go's and Sprig's words for what is wrong with them.

use num_bigint_dig::BigUint;
use rsa::RsaPrivateKey;

use super::{Dsa, EcKey, Ed25519Key, Key, oid};
use crate::template::funcs::crypto::{
    der::{CONTEXT, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE},
    pem,
};

impl Key {
    /// Reads the first block of a PEM text.
    pub(in super::super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (label, bytes) = pem::decode(text).ok_or("no PEM data in input")?;
        if label == "PRIVATE KEY" {
            return pkcs8(&bytes).map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(kind) = label.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {label}"));
        };
        match kind {
            "RSA" => pkcs1(&bytes),
            "EC" => sec1(&bytes, None),
            "DSA" => dsa(&bytes).ok_or_else(|| malformed(&bytes)),
            _ => return Err(format!("invalid private key type {label}")),
        }
        .map_err(|error| format!("parsing {kind} private key from PEM: {error}"))
    }
}

/// RFC 5208.
fn pkcs8(bytes: &[u8]) -> Result<Key, String> {
    let Some((mut algorithm, key)) = pkcs8_parts(bytes) else {
        return Err(other_form(bytes, &[SEC1, PKCS1]));
    };
    let inside =
        |kind: &str, error: String| format!("x509: failed to parse {kind} private key embedded in PKCS#8: {error}");
    let kind = algorithm.take(OID).map(|kind| kind.content).unwrap_or_default();
    match kind {
        oid::RSA => pkcs1(key).map_err(|error| inside("RSA", error)),
        oid::EC => {
            let curve = algorithm.take(OID).map(|curve| curve.content);
            sec1(key, curve).map_err(|error| inside("EC", error))
        }
        oid::ED25519 if !algorithm.is_empty() => Err("x509: invalid Ed25519 private key parameters".to_owned()),
        oid::ED25519 => {
            let seed = Reader::new(key).take(OCTET_STRING).map(|seed| seed.content);
            let seed = seed.ok_or_else(|| format!("x509: invalid Ed25519 private key: {}", malformed(key)))?;
            let length = |_| format!("x509: invalid Ed25519 private key length: {}", seed.len());
            Ok(Key::Ed25519(Ed25519Key::from_bytes(seed.try_into().map_err(length)?)))
        }
        _ => Err(format!("x509: PKCS#8 wrapping contained private key with unknown algorithm: {}", dotted(kind))),
    }
}

/// RFC 8017, appendix A.1.2.
fn pkcs1(bytes: &[u8]) -> Result<Key, String> {
    let [n, e, d, p, q] = numbers(bytes).ok_or_else(|| other_form(bytes, &[SEC1, PKCS8]))?;
    let mut key = RsaPrivateKey::from_components(n, e, d, vec![p, q]).map_err(|error| error.to_string())?;
    key.precompute().map_err(|error| error.to_string())?;
    Ok(Key::Rsa(Box::new(key)))
}

/// RFC 5915; the curve may be told by what is around it.
fn sec1(bytes: &[u8], curve: Option<&[u8]>) -> Result<Key, String> {
    let Some((secret, named)) = sec1_parts(bytes) else {
        let error = other_form(bytes, &[PKCS8, PKCS1]);
        let prefix = if error.starts_with("asn1") { "x509: failed to parse EC private key: " } else { "" };
        return Err(format!("{prefix}{error}"));
    };
    if curve.or(named) != Some(oid::P256) {
        return Err("x509: unknown elliptic curve".to_owned());
    }
    // There may be more zeros in front than there should be, or fewer.
    let zeros = secret.iter().take_while(|byte| **byte == 0).count();
    let number = secret.get(zeros..).unwrap_or_default();
    let mut padded = [0; 32];
    let start = padded.len().checked_sub(number.len()).ok_or("x509: invalid private key length")?;
    padded.iter_mut().skip(start).zip(number).for_each(|(to, from)| *to = *from);
    EcKey::from_slice(&padded).map(Key::Ec).map_err(|_| "ecdsa: invalid public key encoding".to_owned())
}

/// Sprig's `DSAKeyFormat`.
fn dsa(bytes: &[u8]) -> Option<Key> {
    numbers(bytes).map(|numbers| Key::Dsa(Box::new(Dsa { numbers })))
}

/// A form of keys: whether bytes have it, and Go's function for it.
type Form = (fn(&[u8]) -> bool, &'static str);

const PKCS8: Form = (|bytes| pkcs8_parts(bytes).is_some(), "ParsePKCS8PrivateKey");
const PKCS1: Form = (|bytes| numbers(bytes).is_some(), "ParsePKCS1PrivateKey");
const SEC1: Form = (|bytes| sec1_parts(bytes).is_some(), "ParseECPrivateKey");

/// Go tells when a key has another form than its block says.
fn other_form(bytes: &[u8], forms: &[Form]) -> String {
    match forms.iter().find(|(fits, _)| fits(bytes)) {
        Some((_, name)) => format!("x509: failed to parse private key (use {name} instead for this key format)"),
        None => malformed(bytes),
    }
}

/// What Go says of bytes that have none of the forms.
fn malformed(bytes: &[u8]) -> String {
    let reason = match bytes.first() {
        Some(&SEQUENCE) if Reader::new(bytes).next().is_none() => "syntax error: data truncated",
        None | Some(&SEQUENCE) => "syntax error: sequence truncated",
        Some(_) => "structure error",
    };
    format!("asn1: {reason}")
}

/// The algorithm, and the key in its own form.
fn pkcs8_parts(bytes: &[u8]) -> Option<(Reader<'_>, &[u8])> {
    let mut info = Reader::new(bytes).enter(SEQUENCE)?;
    info.take(INTEGER)?;
    Some((info.enter(SEQUENCE)?, info.take(OCTET_STRING)?.content))
}

/// The five numbers after the version: of RSA the modulus, both exponents and two primes, from which the rest can be
/// computed; of DSA all there are.
fn numbers(bytes: &[u8]) -> Option<[BigUint; 5]> {
    let mut key = Reader::new(bytes).enter(SEQUENCE)?;
    key.take(INTEGER)?;
    let mut number = || key.take(INTEGER).map(|number| BigUint::from_bytes_be(number.content));
    Some([number()?, number()?, number()?, number()?, number()?])
}

/// The secret number, and the identifier of the curve.
fn sec1_parts(bytes: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut key = Reader::new(bytes).enter(SEQUENCE)?;
    key.take(INTEGER)?;
    let secret = key.take(OCTET_STRING)?.content;
    let curve = key.enter(CONTEXT).and_then(|mut curve| curve.take(OID));
    Some((secret, curve.map(|curve| curve.content)))
}

/// An object identifier as people write it.
fn dotted(identifier: &[u8]) -> String {
    let mut parts: Vec<u64> = Vec::new();
    let mut part = 0_u64;
    for byte in identifier {
        part = part << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if parts.is_empty() {
            // The first two parts are one number.
            parts.push((part / 40).min(2));
            part -= 40 * (part / 40).min(2);
        }
        parts.push(std::mem::take(&mut part));
    }
    parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}
