//! Passwords: hashed (`bcrypt`, `htpasswd`), derived (`derivePassword`).

use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD},
};
use hmac::{Hmac, Mac};
use scrypt::{Params, scrypt};
use sha2::Sha256;

use crate::template::{
    Context, Str,
    func::{Function, function, with_context},
};

pub(super) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("bcrypt", with_context(|context: &mut Context<'_>, password: Str| bcrypt(context, &password))),
        ("htpasswd", with_context(htpasswd)),
        ("derivePassword", function(derive)),
    ]
}

/// bcrypt's letters are not those of usual base 64.
const BCRYPT_64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);
/// `DefaultCost` of Go's bcrypt.
const COST: u32 = 10;
/// What bcrypt looks at.
const LONGEST_PASSWORD: usize = 72;

fn bcrypt(context: &mut Context<'_>, password: &Str) -> String {
    let mut key = password.as_bytes().to_vec();
    if key.len() > LONGEST_PASSWORD {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned();
    }
    key.push(0);
    key.truncate(LONGEST_PASSWORD);
    let mut salt = [0; 16];
    context.env.random(&mut salt);
    let hash = bcrypt::bcrypt(COST, salt, &key);
    // The last byte of the hash has never been written.
    format!("$2a${COST}${}{}", BCRYPT_64.encode(salt), BCRYPT_64.encode(&hash[..23]))
}

fn htpasswd(context: &mut Context<'_>, user: Str, password: Str) -> Str {
    if user.as_bytes().contains(&b':') {
        return joined("invalid username: ", &user, "");
    }
    joined("", &user, &format!(":{}", bcrypt(context, &password)))
}

fn joined(before: &str, middle: &Str, after: &str) -> Str {
    Str::from_bytes([before.as_bytes(), middle.as_bytes(), after.as_bytes()].concat())
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of each type of password, a letter for each class of [`class`] (Sprig's `passwordTypeTemplates`).
const SHAPES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

/// The characters of a class.
fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm.
fn derive(counter: u32, kind: Str, password: Str, user: Str, site: Str) -> Str {
    let Some((_, shapes)) = SHAPES.iter().find(|(name, _)| name.as_bytes() == kind.as_bytes()) else {
        return joined("cannot find password template ", &kind, "");
    };
    let mut key = [0; 64];
    let salt = [SEED, &length(&user), user.as_bytes()].concat();
    let parameters = Params::new(15, 8, 2, key.len());
    let derived = parameters.map(|parameters| scrypt(password.as_bytes(), &salt, &parameters, &mut key));
    let (Ok(Ok(())), Ok(mut mac)) = (derived, Hmac::<Sha256>::new_from_slice(&key)) else {
        return "failed to derive password".into();
    };
    for part in [SEED, &length(&site), site.as_bytes(), &counter.to_be_bytes()] {
        mac.update(part);
    }
    let seed = mac.finalize().into_bytes();
    let chosen = |from: &[u8], seed: u8| from.get(usize::from(seed) % from.len()).copied().unwrap_or_default();
    let shape = shapes.get(usize::from(seed[0]) % shapes.len()).copied().unwrap_or_default();
    let characters = shape.bytes().zip(seed.iter().skip(1)).map(|(letter, seed)| chosen(class(letter), *seed));
    Str::from_bytes(characters.collect())
}

fn length(text: &Str) -> [u8; 4] {
    (text.as_bytes().len() as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use crate::template::{Value, funcs::testing::Caller};

    fn text(name: &str, arguments: &[&str]) -> String {
        let arguments: Vec<Value> = arguments.iter().map(|argument| (*argument).into()).collect();
        Caller::new().call(name, &arguments).unwrap().as_str().unwrap().to_text().into_owned()
    }

    #[test]
    fn hashes_as_go() {
        // golang.org/x/crypto/bcrypt v0.54.0 accepts this hash.
        let hash = text("bcrypt", &["secret"]);
        assert_eq!(hash, "$2a$10$ZGIjWqs.hPBUKp4HwDC8tuLQIJ2Z4rPAnNVLs7LI7JYVHZVKhWAcq");
        assert_eq!(text("htpasswd", &["user", "secret"]), format!("user:{hash}"));
    }

    #[test]
    fn refuses_in_place_of_a_hash() {
        assert_eq!(text("htpasswd", &["us:er", "secret"]), "invalid username: us:er");
        let refused = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
        assert_eq!(text("bcrypt", &["x".repeat(73).as_str()]), refused);
        assert!(text("bcrypt", &["x".repeat(72).as_str()]).starts_with("$2a$10$"));
    }
}
