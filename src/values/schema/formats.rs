//! What `format` can ask for (santhosh-tekuri/jsonschema 6, `format.go`), with that library's words.

use crate::template::{check_regex, fmt::quote, parse_url};

/// Says what is wrong with a text.
pub(super) type Format = fn(&str) -> Result<(), String>;

/// The format of this name, where it is known.
pub(super) fn find(name: &str) -> Option<Format> {
    Some(match name {
        "regex" => regex,
        "json-pointer" => json_pointer,
        "relative-json-pointer" => relative_json_pointer,
        "uuid" => uuid,
        "duration" => duration,
        "period" => period,
        "ipv4" => ipv4,
        "ipv6" => ipv6,
        "hostname" => hostname,
        "email" => email,
        "date" => date,
        "time" => time,
        "date-time" => date_time,
        "uri" | "iri" => uri,
        "uri-reference" | "iri-reference" => uri_reference,
        "uri-template" => uri_template,
        "semver" => semver,
        _ => return None,
    })
}

/// A pattern in Go's syntax.
pub(super) fn regex(text: &str) -> Result<(), String> {
    check_regex(text)
}

fn fail<T>(message: impl Into<String>) -> Result<T, String> {
    Err(message.into())
}

fn quoted(char: char) -> String {
    let text = quote(char.encode_utf8(&mut [0; 4]).as_bytes());
    let inner = text.trim_matches('"');
    match char {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => format!("'{inner}'"),
    }
}

fn json_pointer(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let Some(tokens) = text.strip_prefix('/') else { return fail("not starting with /") };
    for token in tokens.split('/') {
        let mut chars = token.chars();
        while let Some(char) = chars.next() {
            if char == '~' && !matches!(chars.next(), Some('0' | '1')) {
                return fail("~ must be followed by 0 or 1");
            }
        }
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Result<(), String> {
    let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let digits = text.len() - rest.len();
    match digits {
        0 => fail("must start with non-negative integer"),
        2.. if text.starts_with('0') => fail("starts with zero"),
        _ if rest == "#" => Ok(()),
        _ => json_pointer(rest),
    }
}

fn uuid(text: &str) -> Result<(), String> {
    let lengths = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != lengths.len() {
        return fail("must have 5 elements");
    }
    for (index, (group, length)) in groups.iter().zip(lengths).enumerate() {
        if group.len() != length {
            return fail(format!("element {} must be {length} characters long", index + 1));
        }
        if let Some(char) = group.chars().find(|char| !char.is_ascii_hexdigit()) {
            return fail(format!("non-hex character {}", quoted(char)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix('P') else { return fail("must start with P") };
    if rest.is_empty() {
        return fail("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        return match weeks {
            "" => fail("no number in week"),
            _ if weeks.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
            _ => fail("invalid week"),
        };
    }
    for (index, part) in rest.split('T').enumerate() {
        if index != 0 && part.is_empty() {
            return fail("no time elements");
        }
        let Some(units) = ["YMD", "HMS"].get(index) else { return fail("more than one T") };
        duration_part(part, units)?;
    }
    Ok(())
}

fn duration_part(mut part: &str, all_units: &str) -> Result<(), String> {
    let mut units = all_units;
    while !part.is_empty() {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
        if rest.len() == part.len() {
            return fail("missing number");
        }
        let mut chars = rest.chars();
        let Some(unit) = chars.next() else { return fail("missing unit") };
        match units.split_once(unit) {
            Some((_, later)) => units = later,
            None if all_units.contains(unit) => return fail(format!("unit {} out of order", quoted(unit))),
            None => return fail(format!("invalid unit {}", quoted(unit))),
        }
        part = chars.as_str();
    }
    Ok(())
}

fn ipv4(text: &str) -> Result<(), String> {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return fail("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return fail("leading zeros");
        }
        match group.parse::<i64>() {
            Ok(0..=255) => {}
            Ok(_) => return fail("decimal must be between 0 and 255"),
            Err(_) => {
                return fail(format!("strconv.Atoi: parsing {}: invalid syntax", quote(group.as_bytes())));
            }
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Result<(), String> {
    if !text.contains(':') {
        return fail("missing colon");
    }
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    match (address.parse::<core::net::Ipv6Addr>(), zone) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(_)) => fail("zone id is not a part of ipv6 address"),
        (Err(_), _) => fail(format!("ParseAddr({}): unable to parse IP", quote(text.as_bytes()))),
    }
}

fn hostname(text: &str) -> Result<(), String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return fail("more than 253 characters long");
    }
    for label in text.split('.') {
        if !(1..=63).contains(&label.len()) {
            return fail("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return fail("label starts with hyphen");
        }
        if label.ends_with('-') {
            return fail("label ends with hyphen");
        }
        if let Some(char) = label.chars().find(|char| !char.is_ascii_alphanumeric() && *char != '-') {
            return fail(format!("invalid character {}", quoted(char)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Result<(), String> {
    if text.len() > 254 {
        return fail("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return fail("missing @") };
    if local.len() > 64 {
        return fail("local part more than 64 characters long");
    }
    email_local(local)?;
    if let Some(address) = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|problem| format!("invalid ipv6 address: {problem}")),
            None => ipv4(address).map_err(|problem| format!("invalid ipv4 address: {problem}")),
        };
    }
    hostname(domain).map_err(|problem| format!("invalid domain: {problem}"))
}

fn email_local(local: &str) -> Result<(), String> {
    if local.len() > 1 && local.starts_with('"') {
        let mut inner = local.chars();
        inner.next();
        inner.next_back();
        if inner.as_str().contains(['\\', '"']) {
            return fail("backslash and quote are not allowed within quoted local part");
        }
        return Ok(());
    }
    if local.starts_with('.') {
        return fail("starts with dot");
    }
    if local.ends_with('.') {
        return fail("ends with dot");
    }
    if local.contains("..") {
        return fail("consecutive dots");
    }
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(char);
    match local.chars().find(|char| !is_allowed(*char)) {
        Some(char) => fail(format!("invalid character {}", quoted(char))),
        None => Ok(()),
    }
}

/// `2006-01-02`, with the words of Go's `time.Parse`.
fn date(text: &str) -> Result<(), String> {
    let whole = quote(text.as_bytes());
    let wrong = |rest: &str, part: &str| {
        let rest = quote(rest.as_bytes());
        fail(format!("parsing time {whole} as \"2006-01-02\": cannot parse {rest} as \"{part}\""))
    };
    let mut rest = text;
    let mut numbers = Vec::new();
    for (part, length) in [("2006", 4), ("-", 1), ("01", 2), ("-", 1), ("02", 2)] {
        let Some((head, tail)) = rest.split_at_checked(length) else { return wrong(rest, part) };
        if part == "-" {
            if head != "-" {
                return wrong(rest, part);
            }
        } else if head.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.push(head.parse::<i16>().unwrap_or_default());
            if part == "01" && !matches!(numbers.last(), Some(1..=12)) {
                return fail(format!("parsing time {whole}: month out of range"));
            }
        } else {
            return wrong(rest, part);
        }
        rest = tail;
    }
    if !rest.is_empty() {
        return fail(format!("parsing time {whole}: extra text: {}", quote(rest.as_bytes())));
    }
    let [year, month, day] = numbers.as_slice() else { return wrong(text, "2006") };
    let (month, day) = (i8::try_from(*month).unwrap_or_default(), i8::try_from(*day).unwrap_or_default());
    match jiff::civil::Date::new(*year, month, day) {
        Ok(_) => Ok(()),
        Err(_) => fail(format!("parsing time {whole}: day out of range")),
    }
}

fn time(text: &str) -> Result<(), String> {
    if text.len() < 9 {
        return fail("less than 9 characters long");
    }
    let bytes = text.as_bytes();
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return fail("missing colon in correct place");
    }
    let Some((clock, rest)) = text.split_at_checked(8) else { return fail("invalid hour/min/sec") };
    let [hour, minute, second] = clock_parts(clock, "hour/min/sec")?;
    if hour > 23 || minute > 59 || second > 60 {
        return fail("hour/min/sec out of range");
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
            if rest.len() == fraction.len() {
                return fail("no digits in second fraction");
            }
            rest
        }
        None => rest,
    };
    let minutes = match rest {
        "z" | "Z" => hour * 60 + minute,
        _ => in_utc(rest, hour * 60 + minute)?,
    };
    if second >= 60 && minutes != 23 * 60 + 59 {
        return fail("invalid leap second");
    }
    Ok(())
}

fn in_utc(offset: &str, minutes: i64) -> Result<i64, String> {
    if offset.len() != 6 {
        return fail("offset must be 6 characters long");
    }
    let sign = match offset.as_bytes().first() {
        Some(b'+') => -1,
        Some(b'-') => 1,
        _ => return fail("offset must begin with plus/minus"),
    };
    if offset.as_bytes().get(3) != Some(&b':') {
        return fail("missing colon in offset in correct place");
    }
    let [hour, minute] = clock_parts(offset.get(1..).unwrap_or_default(), "hour/min in offset")?;
    if hour > 23 || minute > 59 {
        return fail("hour/min in offset out of range");
    }
    let moved = minutes + sign * (hour * 60 + minute);
    Ok(if moved < 0 { moved + 24 * 60 } else { moved })
}

fn clock_parts<const N: usize>(text: &str, what: &str) -> Result<[i64; N], String> {
    let mut parts = [0; N];
    for (slot, part) in parts.iter_mut().zip(text.splitn(N, ':')) {
        *slot = part.parse().map_err(|_| format!("invalid {what}"))?;
        if *slot < 0 {
            return fail(format!("non-positive {what}"));
        }
    }
    Ok(parts)
}

fn date_time(text: &str) -> Result<(), String> {
    if text.len() < 20 {
        return fail("less than 20 characters long");
    }
    if !matches!(text.as_bytes().get(10), Some(b't' | b'T')) {
        return fail("11th character must be t or T");
    }
    date(text.get(..10).unwrap_or_default()).map_err(|problem| format!("invalid date element: {problem}"))?;
    time(text.get(11..).unwrap_or_default()).map_err(|problem| format!("invalid time element: {problem}"))
}

fn period(text: &str) -> Result<(), String> {
    let Some((start, end)) = text.split_once('/') else { return fail("missing slash") };
    let as_duration = |text, which| duration(text).map_err(|problem| format!("invalid {which} duration: {problem}"));
    let as_date = |text, which| date_time(text).map_err(|problem| format!("invalid {which} date-time: {problem}"));
    if start.starts_with('P') {
        as_duration(start, "start")?;
        return as_date(end, "end");
    }
    as_date(start, "start")?;
    if end.starts_with('P') { as_duration(end, "end") } else { as_date(end, "end") }
}

/// Whether a text is a URL as Go reads it, and an absolute one.
fn is_absolute(text: &str) -> Result<bool, String> {
    let (scheme, hostname, host) = parse_url(text)?;
    if hostname.contains(':') {
        if !host.contains('[') || !host.contains(']') {
            return fail("ipv6 address not enclosed in brackets");
        }
        ipv6(&hostname).map_err(|problem| format!("invalid ipv6 address: {problem}"))?;
    }
    Ok(!scheme.is_empty())
}

fn uri(text: &str) -> Result<(), String> {
    if is_absolute(text)? { Ok(()) } else { fail("relative url") }
}

fn uri_reference(text: &str) -> Result<(), String> {
    if text.contains('\\') {
        return fail("contains \\");
    }
    is_absolute(text).map(|_| ())
}

fn uri_template(text: &str) -> Result<(), String> {
    is_absolute(text)?;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    for part in path.split('/') {
        let mut is_open = false;
        for char in part.chars().filter(|char| matches!(char, '{' | '}')) {
            if (char == '{') == is_open {
                return fail("nested curly braces");
            }
            is_open = !is_open;
        }
        if is_open {
            return fail("no matching closing brace");
        }
    }
    Ok(())
}

fn semver(text: &str) -> Result<(), String> {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || char == '-';
    if build == Some("") {
        return fail("build is empty");
    }
    for part in build.into_iter().flat_map(|build| build.split('.')) {
        if part.is_empty() {
            return fail("build identifier is empty");
        }
        if let Some(char) = part.chars().find(|char| !is_allowed(*char)) {
            return fail(format!("invalid character {} in build identifier", quoted(char)));
        }
    }
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    for part in pre.into_iter().flat_map(|pre| pre.split('.')) {
        if part.is_empty() {
            return fail("pre-release identifier is empty");
        }
        if let Some(char) = part.chars().find(|char| !is_allowed(*char)) {
            return fail(format!("invalid character {} in pre-release identifier", quoted(char)));
        }
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return fail("pre-release numeric identifier starts with zero");
        }
    }
    semver_core(core)
}

fn semver_core(core: &str) -> Result<(), String> {
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return fail("versionCore must have 3 numbers separated by dot");
    }
    for (number, name) in numbers.iter().zip(["major", "minor", "patch"]) {
        if number.is_empty() {
            return fail(format!("{name} is empty"));
        }
        if number.len() > 1 && number.starts_with('0') {
            return fail(format!("{name} starts with zero"));
        }
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return fail(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}
