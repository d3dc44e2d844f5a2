//! Sprig's `urlParse` and `urlJoin`, on Go's `net/url`.

use core::net::Ipv6Addr;

use memchr::memmem::find;

use super::nil_pointer;
use crate::template::{
    Fault, Map, Str, Value, fmt,
    func::{Function, function},
};

/// Scheme, host name and host of a URL, as Go's `url.Parse` reads it.
///
/// # Errors
/// Go's words: `parse "…": invalid URL escape "%zz"`.
pub(crate) fn parse(text: &str) -> Result<(String, String, String), String> {
    let url = Url::parse(text.as_bytes())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&url.scheme), text(url.hostname()), text(&url.host)))
}

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![("urlParse", function(url_parse)), ("urlJoin", function(url_join))]
}

fn url_parse(text: Str) -> Result<Map, Fault> {
    let url = Url::parse(text.as_bytes()).map_err(|error| Fault::new(format!("unable to parse url: {error}")))?;
    let map = Map::new();
    let hostname = url.hostname().to_vec();
    let user = url.user.map(|user| user.written()).unwrap_or_default();
    for (key, value) in [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user),
    ] {
        map.set(key, Str::from_bytes(value).into());
    }
    Ok(map)
}

fn url_join(parts: Map) -> Result<Str, Fault> {
    let part = |key: &str| match parts.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(nil_pointer()),
        Some(other) => {
            let kind = other.kind();
            Err(Fault::new(format!("unable to parse {key} key, must be of type string, but {kind} found")))
        }
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let parsed = Url::parse(&[b"proto://", &*user, b"@host"].concat());
        url.user = parsed.map_err(|error| Fault::new(format!("unable to parse userinfo in dict: {error}")))?.user;
    }
    Ok(Str::from_bytes(url.written()))
}

/// Whether Go's `url.ParseRequestURI` takes a text as a URL with a scheme.
pub(crate) fn is_request_url(text: &str) -> bool {
    Url::parse_unfragmented(text.as_bytes()).is_ok_and(|url| !url.scheme.is_empty())
}

/// Host and path of a URL as Go's `url.Parse` reads it.
pub(crate) fn host_and_path(text: &str) -> Option<(String, String)> {
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Url::parse(text.as_bytes()).ok().map(|url| (text_of(&url.host), text_of(&url.path)))
}

/// A URL as Go parses it: path and fragment are unescaped.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

/// Name and password, unescaped.
struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Where in a URL a text stands: what needs no escape differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    User,
    Host,
    Zone,
    Path,
    Fragment,
}

impl Place {
    fn needs_escape(self, byte: u8) -> bool {
        let free: &[u8] = match self {
            Self::User => b"$&+,;=",
            Self::Host | Self::Zone => b"!\"$&'()*+,:;<=>[]",
            Self::Path => b"$&+,/:;=@",
            Self::Fragment => b"!$&()*+,/:;=?@",
        };
        !byte.is_ascii_alphanumeric() && !b"-_.~".contains(&byte) && !free.contains(&byte)
    }
}

impl Url {
    /// Go's `url.Parse`.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let (before, fragment) = cut(text, b"#");
        let because = |text: &[u8], error: String| format!("parse {}: {error}", fmt::quote(text));
        let mut url = Self::parse_unfragmented(before).map_err(|error| because(before, error))?;
        url.fragment = unescape(fragment, Place::Fragment).map_err(|error| because(text, error))?;
        Ok(url)
    }

    fn parse_unfragmented(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b"?");
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b"/").0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///")) {
            let end = rest[2..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |slash| slash + 2);
            let (authority, path) = rest.split_at(end);
            url.set_authority(&authority[2..])?;
            rest = path;
        }
        url.path = unescape(rest, Place::Path)?;
        Ok(url)
    }

    fn set_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let at = authority.iter().rposition(|byte| *byte == b'@');
        self.host = host(&self.scheme, at.map_or(authority, |at| &authority[at + 1..]))?;
        let Some(user) = at.map(|at| &authority[..at]) else {
            return Ok(());
        };
        let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !user.iter().all(is_valid) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(user, b":");
        let name = unescape(name, Place::User)?;
        let password = user.contains(&b':').then(|| unescape(password, Place::User)).transpose()?;
        self.user = Some(User { name, password });
        Ok(())
    }

    /// The host without its port and without the brackets of an IPv6 address.
    fn hostname(&self) -> &[u8] {
        let colon = self.host.iter().rposition(|byte| *byte == b':');
        let host = match colon.filter(|colon| is_optional_port(&self.host[*colon..])) {
            Some(colon) => &self.host[..colon],
            None => &self.host,
        };
        host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(host)
    }

    /// Go's `URL.String`, of a URL that was put together.
    fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Place::Fragment));
        }
        out
    }

    fn write_hierarchy(&self, out: &mut Vec<u8>) {
        if !self.host.is_empty() || self.user.is_some() || (!self.scheme.is_empty() && !self.path.is_empty()) {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.written());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Place::Host));
        let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Place::Path) };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        // What looks like a scheme is told apart by a dot before it.
        if out.is_empty() && cut(&path, b"/").0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

impl User {
    fn written(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Place::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Place::User));
        }
        out
    }
}

/// The texts before and after the first sign, all of it where there is none.
fn cut<'a>(text: &'a [u8], sign: &[u8]) -> (&'a [u8], &'a [u8]) {
    match find(text, sign) {
        Some(at) => (&text[..at], &text[at + sign.len()..]),
        None => (text, &[]),
    }
}

/// The scheme and what follows its colon.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    match (text.get(length), text.first()) {
        (Some(b':'), Some(b':')) => Err("missing protocol scheme".to_owned()),
        (Some(b':'), Some(first)) if first.is_ascii_alphabetic() => Ok((&text[..length], &text[length + 1..])),
        _ => Ok((&[], text)),
    }
}

/// Go's `parseHost`: what is allowed in brackets, and which ports.
fn host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let check_port = |port: &[u8]| {
        let wrong = || format!("invalid port {} after host", fmt::quote(port));
        if is_optional_port(port) { Ok(()) } else { Err(wrong()) }
    };
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {
            let close = host.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
            let (address, port) = (&host[1..close], &host[close + 1..]);
            check_port(port)?;
            let zone = find(address, b"%25").unwrap_or(address.len());
            let (address, zone) = address.split_at(zone);
            let address = [unescape(address, Place::Host)?, unescape(zone, Place::Zone)?].concat();
            check_address(&address)?;
            return Ok([b"[", &*address, b"]", port].concat());
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let is_strict = matches!(scheme, b"http" | b"https");
    let is_colon = |byte: &u8| *byte == b':';
    let colon = if is_strict { host.iter().position(is_colon) } else { host.iter().rposition(is_colon) };
    check_port(colon.map_or(&[], |colon| &host[colon..]))?;
    unescape(host, Place::Host)
}

/// Only an IPv6 address, with or without a zone, may stand in brackets.
fn check_address(address: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(address);
    let (plain, zone) = text.split_once('%').map_or((&*text, None), |(plain, zone)| (plain, Some(zone)));
    if plain.parse::<core::net::Ipv4Addr>().is_ok() && zone.is_none() {
        return Err("invalid IP-literal".to_owned());
    }
    if plain.parse::<Ipv6Addr>().is_err() || zone == Some("") {
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", fmt::quote(address)));
    }
    Ok(())
}

fn is_optional_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The bytes that `%XX` stand for, where the place allows them.
fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, String> {
    let is_host = matches!(place, Place::Host | Place::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'%' {
            if is_host && byte.is_ascii() && place.needs_escape(byte) {
                return Err(format!("invalid character {} in host name", fmt::quote(&[byte])));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let escape = &text[at..text.len().min(at + 3)];
        let wrong = || format!("invalid URL escape {}", fmt::quote(escape));
        let value = match escape {
            [_, high, low] => hexadecimal(*high).zip(hexadecimal(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        let value = value.ok_or_else(wrong)?;
        let is_refused = match place {
            Place::Host => value < 0x80,
            Place::Zone => value != b' ' && Place::Host.needs_escape(value),
            _ => false,
        };
        if is_refused && escape != b"%25" {
            return Err(wrong());
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if place.needs_escape(*byte) {
            out.extend(format!("%{byte:02X}").bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}
