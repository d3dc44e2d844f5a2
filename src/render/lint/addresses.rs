//! Addresses that Helm takes for ones (github.com/asaskevich/govalidator 11, `IsEmail`, `IsURL`, `IsRequestURL`).

use regex::Regex;

use crate::template::funcs::url::host_and_path;
pub(super) use crate::template::funcs::url::is_request_url;

/// Characters beyond ASCII that an address may have.
const WIDE: &str = r"\x{00A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

/// Whether a text is an address of electronic mail.
pub(super) fn is_email(text: &str) -> bool {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{WIDE}]+");
    let space = r"([\x20\x09]*\x0d\x0a)?[\x20\x09]+";
    // Meant for whole quoted texts, but the pattern repeats the opening quote with each character: `"ab"` is none.
    let quoted = format!(
        r"(\x22({space})?([\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x21\x23-\x5b\x5d-\x7e{WIDE}]|\([\x01-\x09\x0b\x0c\x0d-\x7f{WIDE}]))*({space})?\x22"
    );
    let label = format!(r"([a-zA-Z0-9{WIDE}]|[a-zA-Z0-9{WIDE}][a-zA-Z0-9\-._~{WIDE}]*[a-zA-Z0-9{WIDE}])\.");
    let last = format!(r"([a-zA-Z{WIDE}]|[a-zA-Z{WIDE}][a-zA-Z0-9\-_~{WIDE}]*[a-zA-Z{WIDE}])");
    matches(&format!(r"^({atom}(\.{atom})*|{quoted})@({label})+{last}\.?$"), text)
}

/// Whether a text is a URL, with a scheme or without.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= 2083 || text.len() <= 3 || text.starts_with('.') {
        return false;
    }
    let has_port_only = text.contains(':') && !text.contains("://");
    let whole = if has_port_only { format!("http://{text}") } else { text.to_owned() };
    match host_and_path(&whole) {
        None => false,
        Some((host, _)) if host.starts_with('.') => false,
        Some((host, path)) if host.is_empty() && !path.is_empty() && !path.contains('.') => false,
        Some(_) => matches(&url_pattern(), text),
    }
}

fn url_pattern() -> String {
    let scheme = "((ftp|tcp|udp|wss?|https?)://)";
    let user = r"(\S+(:\S*)?@)";
    let ip = r"([1-9]\d?|1\d\d|2[01]\d|22[0-3]|24\d|25[0-5])(\.(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])){2}(\.([0-9]\d?|1\d\d|2[0-4]\d|25[0-5]))";
    // Any text of an IPv6 address' characters: parsing the URL has refused what is none.
    let ipv6 = r"\[[0-9a-fA-F:.%]+\]";
    let sub_domain = r"((www\.)|([a-zA-Z0-9]+([-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+))";
    let wide = r"\x{00a1}-\x{ffff}";
    let domain = format!(
        r"(([a-zA-Z0-9]([a-zA-Z0-9\-_]+)?[a-zA-Z0-9]([-.][a-zA-Z0-9]+)*)|({sub_domain}?))?(([a-zA-Z{wide}0-9]+-?-?)*[a-zA-Z{wide}0-9]+)(\.([a-zA-Z{wide}]+))?"
    );
    format!(r"^{scheme}?{user}?({ip}|{ipv6}|{domain})\.?(:(\d{{1,5}}))?((/|\?|#)[^\s]*)?$")
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::{is_email, is_request_url, is_url};

    // Answers of govalidator 11.0.1.

    #[test]
    fn is_email_as_govalidator() {
        for (text, expected) in [
            ("a@b.c", true),
            ("a", false),
            ("a@b", false),
            ("a.b+c@d.example.org", true),
            ("\"a b\"@c.de", false),
            ("\"ab\"@c.de", false),
            ("\"a\"@c.de", true),
            ("\" a\"b\"@c.de", true),
            ("\"@c.de", true),
            ("a..b@c.de", false),
            ("ü@ä.de", true),
            ("a@b.c.", true),
            ("a@-b.cd", false),
            ("a b@c.de", false),
            ("a@b_c.de", true),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }

    #[test]
    fn is_url_as_govalidator() {
        for (text, expected) in [
            ("https://a.example/b?c#d", true),
            ("a.example", true),
            ("a", false),
            ("example", false),
            ("http://localhost:8080", true),
            ("ftp://u:p@h.example/x", true),
            ("http://[::1]/", true),
            ("http://1.2.3.4:99999/", true),
            ("http://1.2.3.4:999999/", false),
            ("http://a b", false),
            ("mailto:a@b.c", true),
            (".a.example", false),
            ("https://github.com/a_b", true),
            ("http://a_b.example", true),
            ("https://münchen.example", true),
            ("//a.example", false),
            ("http://-a.example", false),
            ("https://", false),
            ("github.com:443", true),
            ("http://300.1.1.1", false),
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }

    #[test]
    fn is_request_url_as_govalidator() {
        for (text, expected) in [
            ("https://a.example/i.svg", true),
            ("a.example", false),
            ("file:///x", true),
            ("data:image/png;base64,AA", true),
            ("/x", false),
            ("https://a b/", false),
            ("https://%zz/", false),
            ("1https://x", false),
            ("", false),
        ] {
            assert_eq!(is_request_url(text), expected, "{text}");
        }
    }
}
