//! X.509 certificates with the fields that Sprig gives them, in the order in which Go's `crypto/x509` writes them.

use core::net::IpAddr;
use std::{any::Any, rc::Rc};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    der,
    keys::{Key, Random},
    pem,
};
use crate::template::{
    Context, Fault, List, Map, Object, Str, Value,
    fmt::{quote, sprint},
    func::{Argument, Function, Type, function, with_context},
    funcs::encoding::bytes64,
    time::{GoDuration, GoTime, Location},
};

pub(super) fn functions() -> Vec<(&'static str, Function)> {
    let authority = |context: &mut Context<'_>, name: Str, days: i64| {
        let key = new_key(context)?;
        certificate(context, &Request { is_authority: true, ..Request::new(&name, days) }, &key, None)
    };
    let authority_with_key = |context: &mut Context<'_>, name: Str, days: i64, key: Str| {
        let key = given_key(&key)?;
        certificate(context, &Request { is_authority: true, ..Request::new(&name, days) }, &key, None)
    };
    let own = |context: &mut Context<'_>, name: Str, ips: List, names: List, days: i64| {
        let key = new_key(context)?;
        certificate(context, &Request::new(&name, days).alternatives(&ips, &names)?, &key, None)
    };
    let own_with_key = |context: &mut Context<'_>, name: Str, ips: List, names: List, days: i64, key: Str| {
        let key = given_key(&key)?;
        certificate(context, &Request::new(&name, days).alternatives(&ips, &names)?, &key, None)
    };
    let signed = |context: &mut Context<'_>, name: Str, ips: List, names: List, days: i64, by: Certificate| {
        let key = new_key(context)?;
        let signer = Signer::new(&by)?;
        certificate(context, &Request::new(&name, days).alternatives(&ips, &names)?, &key, Some(&signer))
    };
    vec![
        ("genCA", with_context(authority)),
        ("genCAWithKey", with_context(authority_with_key)),
        ("genSelfSignedCert", with_context(own)),
        ("genSelfSignedCertWithKey", with_context(own_with_key)),
        ("genSignedCert", with_context(signed)),
        ("genSignedCertWithKey", with_context(signed_with_key)),
        ("buildCustomCert", function(custom)),
    ]
}

fn signed_with_key(
    context: &mut Context<'_>,
    name: Str,
    ips: List,
    names: List,
    days: i64,
    by: Certificate,
    key: Str,
) -> Result<Certificate, Fault> {
    let key = given_key(&key)?;
    let signer = Signer::new(&by)?;
    certificate(context, &Request::new(&name, days).alternatives(&ips, &names)?, &key, Some(&signer))
}

fn new_key(context: &Context<'_>) -> Result<Key, Fault> {
    Key::rsa(&mut Random(context.env), 2048).map_err(|error| Fault::new(format!("error generating rsa key: {error}")))
}

fn given_key(text: &Str) -> Result<Key, Fault> {
    Key::from_pem(text.as_bytes()).map_err(|error| Fault::new(format!("parsing private key: {error}")))
}

/// Sprig's `certificate`: a certificate and its key in PEM.
#[derive(Clone)]
struct Certificate {
    cert: Str,
    key: Str,
}

impl Argument for Certificate {
    const TYPE: Type = Type::Object("sprig.certificate");
    fn take(value: &Value) -> Self {
        match value {
            Value::Object(object) => object.as_any().downcast_ref().cloned(),
            _ => None,
        }
        .unwrap_or_else(|| Self { cert: "".into(), key: "".into() })
    }
}

impl From<Certificate> for Value {
    fn from(certificate: Certificate) -> Self {
        Self::Object(Rc::new(certificate))
    }
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.clone().into()),
            "Key" => Some(self.key.clone().into()),
            _ => None,
        }
    }

    fn display(&self) -> String {
        format!("{{{} {}}}", self.cert.to_text(), self.key.to_text())
    }

    fn underlying(&self) -> Value {
        let fields = [("Cert", &self.cert), ("Key", &self.key)];
        Map::from_iter(fields.map(|(name, text)| (name.into(), text.clone().into()))).into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a certificate shall say.
struct Request {
    name: String,
    ips: Vec<IpAddr>,
    names: Vec<String>,
    days: i64,
    is_authority: bool,
}

impl Request {
    fn new(name: &Str, days: i64) -> Self {
        Self { name: name.to_text().into_owned(), ips: vec![], names: vec![], days, is_authority: false }
    }

    fn alternatives(mut self, ips: &List, names: &List) -> Result<Self, Fault> {
        for ip in ips.items.iter() {
            let Some(text) = ip.as_str() else {
                return Err(Fault::new(format!("error parsing ip: {} is not a string", print(ip))));
            };
            let text = text.to_text();
            let ip: IpAddr = text.parse().map_err(|_| Fault::new(format!("error parsing ip: {text}")))?;
            self.ips.push(ip.to_canonical());
        }
        for name in names.items.iter() {
            let Some(text) = name.as_str() else {
                return Err(Fault::new(format!(
                    "error processing alternate dns name: {} is not a string",
                    print(name)
                )));
            };
            self.names.push(text.to_text().into_owned());
        }
        Ok(self)
    }

    /// The subject alternative names.
    fn alternative_names(&self) -> Result<Vec<u8>, String> {
        let mut values = Vec::new();
        for name in &self.names {
            if !name.is_ascii() {
                return Err(format!("x509: {} cannot be encoded as an IA5String", quote(name.as_bytes())));
            }
            values.extend(der::value(der::CONTEXT_PRIMITIVE | 2, &[name.as_bytes()]));
        }
        for ip in &self.ips {
            values.extend(match ip {
                IpAddr::V4(ip) => der::value(der::CONTEXT_PRIMITIVE | 7, &[&ip.octets()]),
                IpAddr::V6(ip) => der::value(der::CONTEXT_PRIMITIVE | 7, &[&ip.octets()]),
            });
        }
        Ok(der::sequence(&[&values]))
    }

    /// The common name, as a `Name`; empty without one.
    fn subject(&self) -> Vec<u8> {
        let is_printable = |c: u8| c.is_ascii_alphanumeric() || b"'()+,-./ :=?".contains(&c);
        let tag = if self.name.bytes().all(is_printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
        if self.name.is_empty() {
            return der::sequence(&[]);
        }
        let kind = der::value(der::OID, &[oid::COMMON_NAME]);
        let name = der::sequence(&[&kind, &der::value(tag, &[self.name.as_bytes()])]);
        der::sequence(&[&der::value(der::SET, &[&name])])
    }
}

fn print(value: &Value) -> String {
    sprint(std::slice::from_ref(value)).to_text().into_owned()
}

/// Who signs: name, key identifier and keys of a certificate.
struct Signer {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    public: Vec<u8>,
    key: Key,
}

impl Signer {
    fn new(from: &Certificate) -> Result<Self, Fault> {
        let (_, bytes) = pem::decode(from.cert.as_bytes()).ok_or_else(|| Fault::new("unable to decode certificate"))?;
        let read = parse(&bytes).ok_or_else(|| malformed("x509: malformed certificate"))?;
        let key = Key::from_pem(from.key.as_bytes())
            .map_err(|error| Fault::new(format!("error parsing private key: {error}")))?;
        let Parsed { subject, public, key_id } = read;
        Ok(Self { subject: subject.to_vec(), key_id: key_id.map(<[u8]>::to_vec), public: public.to_vec(), key })
    }
}

fn malformed(error: &str) -> Fault {
    Fault::new(format!("error parsing certificate: decodedCert.Bytes: {error}"))
}

/// What matters of a certificate that signs.
struct Parsed<'a> {
    subject: &'a [u8],
    /// The `SubjectPublicKeyInfo`.
    public: &'a [u8],
    key_id: Option<&'a [u8]>,
}

fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    let mut outer = der::Reader::new(bytes);
    let mut certificate = outer.enter(der::SEQUENCE)?;
    let mut body = certificate.enter(der::SEQUENCE)?;
    certificate.take(der::SEQUENCE)?;
    certificate.take(der::BIT_STRING)?;
    if !outer.is_empty() || !certificate.is_empty() {
        return None;
    }
    body.take(der::CONTEXT);
    body.take(der::INTEGER)?;
    // Algorithm, issuer, validity.
    for _ in 0..3 {
        body.take(der::SEQUENCE)?;
    }
    let subject = body.take(der::SEQUENCE)?.whole;
    let public = body.take(der::SEQUENCE)?.whole;
    let mut parsed = Parsed { subject, public, key_id: None };
    // Unique identifiers come before the extensions.
    while let Some(part) = body.next() {
        if part.tag != der::CONTEXT | 3 {
            continue;
        }
        let mut extensions = der::Reader::new(part.content).enter(der::SEQUENCE)?;
        while let Some(mut extension) = extensions.enter(der::SEQUENCE) {
            let kind = extension.take(der::OID)?.content;
            extension.take(der::BOOLEAN);
            let value = extension.take(der::OCTET_STRING)?.content;
            if kind == oid::SUBJECT_KEY_ID {
                parsed.key_id = Some(der::Reader::new(value).take(der::OCTET_STRING)?.content);
            }
        }
    }
    Some(parsed)
}

/// Object identifiers, without tag and length.
mod oid {
    pub(super) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(super) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
    pub(super) const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
    pub(super) const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
    pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    pub(super) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
}

/// A certificate for a key, signed by somebody or else by the key itself.
fn certificate(
    context: &Context<'_>,
    request: &Request,
    key: &Key,
    signer: Option<&Signer>,
) -> Result<Certificate, Fault> {
    let signing = signer.map_or(key, |signer| &signer.key);
    let error = |error: String| Fault::new(format!("error creating certificate: {error}"));
    let body = body(context, request, key, signing, signer).map_err(error)?;
    let signature = signing.sign(&body).map_err(error)?;
    let bytes = der::sequence(&[&body, &signing.signature_algorithm(), &der::bits(&signature)]);
    Ok(Certificate { cert: pem::encode("CERTIFICATE", &bytes).into(), key: key.to_pem().into() })
}

fn body(
    context: &Context<'_>,
    request: &Request,
    key: &Key,
    signing: &Key,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, String> {
    let signs = signing.public().ok_or("x509: certificate private key does not implement crypto.Signer")?;
    let (public, public_info) = key.public().ok_or("x509: unsupported public key type: *dsa.PublicKey")?;
    let mut serial = [0; 16];
    context.env.random(&mut serial);
    let subject = request.subject();
    let issuer = signer.map_or(&subject, |signer| &signer.subject);
    if signer.is_some_and(|signer| signer.public != signs.1) {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
    }
    let authority = signer.filter(|signer| signer.subject != subject).and_then(|signer| signer.key_id.as_deref());
    let extensions = extensions(request, &public, authority)?;
    Ok(der::sequence(&[
        // Version 3, counted from 0.
        &der::value(der::CONTEXT, &[&der::integer(&[2])]),
        &der::integer(&serial),
        &signing.signature_algorithm(),
        issuer,
        &validity(context, request.days)?,
        &subject,
        &public_info,
        &der::value(der::CONTEXT | 3, &[&extensions]),
    ]))
}

fn validity(context: &Context<'_>, days: i64) -> Result<Vec<u8>, String> {
    const DAY: i64 = 24 * 3600 * 1_000_000_000;
    let from = GoTime::new(Timestamp::from_nanosecond(context.env.now()).unwrap_or_default(), Location::Utc);
    let to = from.add(GoDuration(days.wrapping_mul(DAY))).ok_or("cannot represent time as GeneralizedTime")?;
    let [from, to] = [from, to].map(|time| match time.clock().year() {
        1950..2050 => der::value(der::UTC_TIME, &[time.format("060102150405Z").as_bytes()]),
        _ => der::value(der::GENERALIZED_TIME, &[time.format("20060102150405Z").as_bytes()]),
    });
    Ok(der::sequence(&[&from, &to]))
}

fn extensions(request: &Request, public: &[u8], authority: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let extension = |kind: &[u8], critical: bool, value: &[u8]| {
        let critical = if critical { der::value(der::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
        der::sequence(&[&der::value(der::OID, &[kind]), &critical, &der::value(der::OCTET_STRING, &[value])])
    };
    // Digital signature, key encipherment, and for an authority signing of certificates; before them the unused bits.
    let usage: [u8; 2] = if request.is_authority { [2, 0b1010_0100] } else { [5, 0b1010_0000] };
    let purposes = [oid::SERVER_AUTH, oid::CLIENT_AUTH].map(|purpose| der::value(der::OID, &[purpose]));
    let constraints = if request.is_authority { der::value(der::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    let mut all = vec![
        extension(oid::KEY_USAGE, true, &der::value(der::BIT_STRING, &[&usage])),
        extension(oid::EXTENDED_KEY_USAGE, false, &der::sequence(&[&purposes[0], &purposes[1]])),
        extension(oid::BASIC_CONSTRAINTS, true, &der::sequence(&[&constraints])),
    ];
    if request.is_authority {
        // RFC 7093, method 1.
        let hash = Sha256::digest(public);
        all.push(extension(oid::SUBJECT_KEY_ID, false, &der::value(der::OCTET_STRING, &[&hash[..20]])));
    }
    if let Some(id) = authority {
        let id = der::sequence(&[&der::value(der::CONTEXT_PRIMITIVE, &[id])]);
        all.push(extension(oid::AUTHORITY_KEY_ID, false, &id));
    }
    if !request.names.is_empty() || !request.ips.is_empty() {
        all.push(extension(oid::ALTERNATIVE_NAMES, request.name.is_empty(), &request.alternative_names()?));
    }
    Ok(der::sequence(&[&all.concat()]))
}

/// `buildCustomCert`: a certificate and a key that somebody else made, both in base 64.
fn custom(cert: Str, key: Str) -> Result<Certificate, Fault> {
    let decode =
        |text: &Str, what: &str| bytes64(text).map_err(|_| Fault::new(format!("unable to decode base64 {what}")));
    let cert = decode(&cert, "certificate")?;
    let key = decode(&key, "private key")?;
    let (_, bytes) = pem::decode(&cert).ok_or_else(|| Fault::new("unable to decode certificate"))?;
    parse(&bytes).ok_or_else(|| malformed("x509: malformed certificate"))?;
    Key::from_pem(&key).map_err(|error| Fault::new(format!("error parsing private key: {error}")))?;
    Ok(Certificate { cert: Str::from_bytes(cert), key: Str::from_bytes(key) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::funcs::testing::{check, render};
    use rsa::{Pkcs1v15Sign, RsaPublicKey, pkcs8::DecodePublicKey};

    #[test]
    fn refuses_and_prints_as_go() {
        check(include_str!("../../tests/certificates.jsonl"));
    }

    fn block(text: &str) -> Vec<u8> {
        pem::decode(text.as_bytes()).unwrap().1
    }

    /// Holds the signature of a certificate against the public key of another.
    fn is_signed(certificate: &[u8], by: &[u8]) -> bool {
        let mut parts = der::Reader::new(certificate).enter(der::SEQUENCE).unwrap();
        let body = parts.take(der::SEQUENCE).unwrap().whole;
        parts.take(der::SEQUENCE).unwrap();
        let signature = &parts.take(der::BIT_STRING).unwrap().content[1..];
        let public = RsaPublicKey::from_public_key_der(parse(by).unwrap().public).unwrap();
        public.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(body), signature).is_ok()
    }

    #[test]
    fn an_authority_signs() {
        let text = r#"{{ $ca := genCA "ca" 365 }}{{ $cert := genSignedCert "svc" (list "::1") (list "a.b") 10 $ca }}
            {{- $ca.Cert }}|{{ $cert.Cert }}|{{ $cert.Key }}"#;
        let rendered = render(text).unwrap();
        // A seed repeats all of it.
        assert_eq!(render(text).unwrap(), rendered);
        let [authority, certificate, key] = rendered.split('|').collect::<Vec<_>>().try_into().unwrap();
        let (authority, certificate) = (block(authority), block(certificate));
        assert!(is_signed(&authority, &authority));
        assert!(is_signed(&certificate, &authority));
        assert!(!is_signed(&certificate, &certificate));
        let (parsed, public) = (parse(&certificate).unwrap(), Key::from_pem(key.as_bytes()).unwrap().public().unwrap());
        assert_eq!(parsed.public, public.1);
        assert_eq!(parsed.subject, Request::new(&"svc".into(), 1).subject());
        // OpenSSL 3 shows these as "IP Address:0:0:0:0:0:0:0:1" and "DNS:a.b".
        let names = [&[0x30, 23, 0x82, 3][..], b"a.b", &[0x87, 16], &1_u128.to_be_bytes()].concat();
        assert!(certificate.windows(names.len()).any(|part| part == names));
        assert!(certificate.windows(27).any(|part| part == b"261121011652Z\x17\x0d261201011652"), "validity");
    }

    #[test]
    fn keys_come_back() {
        let text = r#"{{ range list "ecdsa" "ed25519" }}{{ $k := genPrivateKey . }}{{ $c := genSelfSignedCertWithKey "x" nil nil 1 $k }}
            {{- eq (buildCustomCert (b64enc $c.Cert) (b64enc $c.Key)).Key $k }} {{ end }}"#;
        assert_eq!(render(text).unwrap(), "true true ");
    }
}
