//! Private keys: made, read and written as Sprig does.

mod read;

use ed25519_dalek::SigningKey as Ed25519Key;
use num_bigint_dig::{BigUint, RandBigInt, prime::probably_prime};
use p256::ecdsa::{DerSignature, SigningKey as EcKey, signature::Signer};
use rsa::{
    Pkcs1v15Sign, RsaPrivateKey,
    pkcs1::EncodeRsaPrivateKey,
    rand_core::{self, CryptoRng, RngCore},
    traits::PublicKeyParts,
};
use sha2::{Digest, Sha256};

use super::{der, pem, primes};
use crate::template::{
    Context, Env, Str,
    func::{Function, with_context},
};

pub(super) fn functions() -> Vec<(&'static str, Function)> {
    vec![("genPrivateKey", with_context(generate_pem))]
}

/// The world's randomness as the crates of keys want it.
pub(super) struct Random<'a>(pub(super) &'a dyn Env);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        self.0.random(buffer);
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.random(buffer);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}

/// The public exponent of every RSA key, as in Go.
const EXPONENT: u32 = 65_537;
/// How often primes are looked for, from other random numbers each time.
const TRIES: usize = 100;

/// A private key.
pub(super) enum Key {
    Rsa(Box<RsaPrivateKey>),
    Ec(EcKey),
    Ed25519(Ed25519Key),
    Dsa(Box<Dsa>),
}

/// A DSA key, which can be made and copied, but not sign.
pub(super) struct Dsa {
    /// p, q, g, y and x.
    numbers: [BigUint; 5],
}

/// Object identifiers, without tag and length.
mod oid {
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(super) const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(super) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}

fn generate_pem(context: &mut Context<'_>, kind: Str) -> String {
    let mut random = Random(context.env);
    let key = match &*kind.to_text() {
        "" | "rsa" => Key::rsa(&mut random, 4096),
        "dsa" => Ok(Key::Dsa(Box::new(Dsa::generate(&mut random)))),
        "ecdsa" => Ok(Key::Ec(EcKey::random(&mut random))),
        "ed25519" => {
            let mut seed = [0; 32];
            context.env.random(&mut seed);
            Ok(Key::Ed25519(Ed25519Key::from_bytes(&seed)))
        }
        other => return format!("Unknown type {other}"),
    };
    key.map_or_else(|error| format!("failed to generate private key: {error}"), |key| key.to_pem())
}

impl Key {
    /// A new RSA key of so many bits.
    pub(super) fn rsa(random: &mut Random<'_>, bits: usize) -> Result<Self, String> {
        // Few pairs of primes are of no use: those beside a multiple of the exponent.
        let mut pairs = (0..TRIES).filter_map(|_| primes::pair(random, bits / 2));
        let key = pairs.find_map(|(p, q)| RsaPrivateKey::from_p_q(p, q, EXPONENT.into()).ok());
        key.map(|key| Self::Rsa(Box::new(key))).ok_or_else(|| "crypto/rsa: no primes found".to_owned())
    }

    /// The key as a PEM text, of the kind that Go writes.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => match key.to_pkcs1_der() {
                Ok(document) => pem::encode("RSA PRIVATE KEY", document.as_bytes()),
                Err(error) => error.to_string(),
            },
            Self::Ec(key) => {
                let curve = der::value(der::OID, &[oid::P256]);
                let point = der::bits(key.verifying_key().to_encoded_point(false).as_bytes());
                let parts: [&[u8]; 4] = [
                    &der::integer(&[1]),
                    &der::value(der::OCTET_STRING, &[&key.to_bytes()]),
                    &der::value(der::CONTEXT, &[&curve]),
                    &der::value(der::CONTEXT | 1, &[&point]),
                ];
                pem::encode("EC PRIVATE KEY", &der::sequence(&parts))
            }
            Self::Ed25519(key) => {
                let algorithm = der::sequence(&[&der::value(der::OID, &[oid::ED25519])]);
                let seed = der::value(der::OCTET_STRING, &[&key.to_bytes()]);
                let parts: [&[u8]; 3] = [&der::integer(&[]), &algorithm, &der::value(der::OCTET_STRING, &[&seed])];
                pem::encode("PRIVATE KEY", &der::sequence(&parts))
            }
            Self::Dsa(key) => {
                let numbers = key.numbers.iter().flat_map(|number| der::integer(&number.to_bytes_be()));
                let numbers: Vec<u8> = numbers.collect();
                pem::encode("DSA PRIVATE KEY", &der::sequence(&[&der::integer(&[]), &numbers]))
            }
        }
    }

    /// The bytes of the public key, and its `SubjectPublicKeyInfo`; nothing for a DSA key.
    pub(super) fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => {
                let [modulus, exponent] = [key.n(), key.e()].map(|number| der::integer(&number.to_bytes_be()));
                let algorithm = der::sequence(&[&der::value(der::OID, &[oid::RSA]), &der::value(der::NULL, &[])]);
                (algorithm, der::sequence(&[&modulus, &exponent]))
            }
            Self::Ec(key) => {
                let kinds = [oid::EC, oid::P256].map(|kind| der::value(der::OID, &[kind]));
                (
                    der::sequence(&[&kinds[0], &kinds[1]]),
                    key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
                )
            }
            Self::Ed25519(key) => {
                (der::sequence(&[&der::value(der::OID, &[oid::ED25519])]), key.verifying_key().to_bytes().to_vec())
            }
            Self::Dsa(_) => return None,
        };
        let info = der::sequence(&[&algorithm, &der::bits(&key)]);
        Some((key, info))
    }

    /// The `AlgorithmIdentifier` of this key's signatures.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let (kind, parameters) = match self {
            Self::Rsa(_) => (oid::SHA256_WITH_RSA, der::value(der::NULL, &[])),
            Self::Ec(_) => (oid::ECDSA_WITH_SHA256, Vec::new()),
            Self::Ed25519(_) | Self::Dsa(_) => (oid::ED25519, Vec::new()),
        };
        der::sequence(&[&der::value(der::OID, &[kind]), &parameters])
    }

    /// A signature of these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => {
                let hash = Sha256::digest(bytes);
                key.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).map_err(|error| error.to_string())
            }
            Self::Ec(key) => {
                let signature: DerSignature = key.try_sign(bytes).map_err(|error| error.to_string())?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(bytes).to_bytes().to_vec()),
            Self::Dsa(_) => Err("x509: certificate private key does not implement crypto.Signer".to_owned()),
        }
    }
}

impl Dsa {
    const P_BITS: usize = 2048;
    const Q_BITS: usize = 256;
    /// How sure it is that p and q are primes: 1 - 4⁻ⁿ. Go asks the same.
    const ROUNDS: usize = 64;

    /// Parameters and a key (FIPS 186-3, as Go's `crypto/dsa` goes about it).
    fn generate(random: &mut Random<'_>) -> Self {
        let one = BigUint::from(1_u8);
        let (p, q) = Self::primes(random);
        let exponent = (&p - &one) / &q;
        let powers = (2_u32..).map(|base| BigUint::from(base).modpow(&exponent, &p));
        let g = powers.into_iter().find(|power| *power != one).unwrap_or_default();
        let x = random.gen_biguint_range(&one, &q);
        let y = g.modpow(&x, &p);
        Self { numbers: [p, q, g, y, x] }
    }

    fn primes(random: &mut Random<'_>) -> (BigUint, BigUint) {
        let one = BigUint::from(1_u8);
        let top = |bits: usize| BigUint::from(1_u8) << (bits - 1);
        loop {
            let q = random.gen_biguint(Self::Q_BITS - 1) | top(Self::Q_BITS) | &one;
            if !probably_prime(&q, Self::ROUNDS) {
                continue;
            }
            for _ in 0..4 * Self::P_BITS {
                let p = random.gen_biguint(Self::P_BITS - 1) | top(Self::P_BITS);
                // One more than a multiple of q.
                let p = &p - (&p % &q) + &one;
                if p.bits() == Self::P_BITS && probably_prime(&p, Self::ROUNDS) {
                    return (p, q);
                }
            }
        }
    }
}
