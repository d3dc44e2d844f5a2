//! Sprig's random texts and numbers. Which characters can come is goutils' `CryptoRandom`; which do come is up to
//! [`Env::random`](crate::template::Env::random).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::MAX_TEXT;
use crate::template::{
    Context, Fault, Value,
    func::{Function, with_context},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("randAlphaNum", characters(|byte| byte.is_ascii_alphanumeric())),
        ("randAlpha", characters(|byte| byte.is_ascii_alphabetic())),
        ("randAscii", characters(|byte| (b' '..127).contains(byte))),
        ("randNumeric", characters(u8::is_ascii_digit)),
        ("randBytes", with_context(bytes)),
        ("randInt", with_context(integer)),
        ("uuidv4", with_context(uuid)),
    ]
}

/// A function that makes a text of as many of these characters as it is told.
fn characters(belongs: impl Fn(&u8) -> bool + 'static) -> Function {
    with_context(move |context: &mut Context<'_>, count: i64| {
        let alphabet: Vec<u8> = (0..=127).filter(&belongs).collect();
        // goutils refuses a negative count, and Sprig drops the error.
        let mut missing = length(count.max(0))?;
        let mut text = String::with_capacity(missing);
        let mut buffer = [0; 256];
        while missing > 0 {
            let (bytes, _) = buffer.split_at_mut((missing * 128 / alphabet.len().max(1) + 8).min(256));
            context.env.random(bytes);
            // A byte counts where its lower seven bits are a place in the alphabet, so that all characters are as likely.
            let chosen = bytes.iter().filter_map(|byte| alphabet.get(usize::from(byte & 127)));
            text.extend(chosen.take(missing).map(|byte| char::from(*byte)));
            missing = (count as usize).saturating_sub(text.len());
        }
        Ok::<_, Fault>(text)
    })
}

fn length(count: i64) -> Result<usize, Fault> {
    let fits = usize::try_from(count).ok().filter(|count| *count <= MAX_TEXT);
    fits.ok_or_else(|| Fault::new("runtime error: makeslice: len out of range"))
}

fn bytes(context: &mut Context<'_>, count: i64) -> Result<String, Fault> {
    let mut bytes = vec![0; length(count)?];
    context.env.random(&mut bytes);
    Ok(STANDARD.encode(bytes))
}

fn integer(context: &mut Context<'_>, minimum: i64, end: i64) -> Result<Value, Fault> {
    let width = end.wrapping_sub(minimum);
    if width <= 0 {
        return Err(Fault::new("invalid argument to Intn"));
    }
    let mut bytes = [0; 16];
    context.env.random(&mut bytes);
    // Of 128 bits the remainder is even enough.
    let chosen = u128::from_le_bytes(bytes) % width as u128;
    Ok(Value::Int(minimum.wrapping_add(chosen as i64)))
}

fn uuid(context: &mut Context<'_>) -> String {
    let mut bytes = [0; 16];
    context.env.random(&mut bytes);
    let all = u128::from_be_bytes(bytes);
    // Version 4 of RFC 9562, and its variant.
    let all = all & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{all:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::template::{Value, funcs::testing::Caller};

    fn text(world: &Caller, name: &str, arguments: &[Value]) -> String {
        world.call(name, arguments).unwrap().as_str().unwrap().to_text().into_owned()
    }

    #[test]
    fn texts_have_their_characters_and_all_of_them() {
        let world = Caller::new();
        for (name, size) in [("randAlphaNum", 62), ("randAlpha", 52), ("randAscii", 95), ("randNumeric", 10)] {
            let text = text(&world, name, &[Value::Int(5000)]);
            assert_eq!(text.len(), 5000, "{name}");
            let used: BTreeSet<char> = text.chars().collect();
            assert_eq!(used.len(), size, "{name}");
        }
        assert!(text(&world, "randAlphaNum", &[Value::Int(99)]).bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(text(&world, "randAlpha", &[Value::Int(0)]), "");
        assert_eq!(text(&world, "randAlpha", &[Value::Int(-1)]), "");
        assert!(world.call("randAscii", &[Value::Int(i64::MAX)]).is_err());
    }

    #[test]
    fn bytes_are_base_64() {
        let world = Caller::new();
        assert_eq!(text(&world, "randBytes", &[Value::Int(20)]).len(), 28);
        let message = world.call("randBytes", &[Value::Int(-1)]).err();
        assert_eq!(message.as_deref(), Some("runtime error: makeslice: len out of range"));
    }

    #[test]
    fn integers_lie_in_their_range() {
        let world = Caller::new();
        let number = || match world.call("randInt", &[Value::Int(-2), Value::Int(3)]) {
            Ok(Value::Int(number)) => number,
            _ => panic!("no int"),
        };
        let seen: BTreeSet<i64> = (0..200).map(|_| number()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2]);
        let message = world.call("randInt", &[Value::Int(3), Value::Int(3)]).err();
        assert_eq!(message.as_deref(), Some("invalid argument to Intn"));
    }

    #[test]
    fn uuids_are_of_version_4() {
        let world = Caller::new();
        let pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
        let pattern = regex::Regex::new(pattern).unwrap();
        let uuids: BTreeSet<String> = (0..50).map(|_| text(&world, "uuidv4", &[])).collect();
        assert_eq!(uuids.len(), 50);
        assert!(uuids.iter().all(|uuid| pattern.is_match(uuid)), "{uuids:?}");
    }
}
