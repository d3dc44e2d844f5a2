//! Connection strings as Go's lib/pq reads them (lib/pq `connector.go`), which Helm connects with: a URL or
//! `key=value` pairs, over the environment's `PG…` variables.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};

use super::passfile;
use super::tls::{Files, Mode};

/// How long one host may take to answer, where the connection string does not say. lib/pq waits for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Variables of the environment and the settings they stand for.
const ENVIRONMENT: [(&str, &str); 16] = [
    ("PGAPPNAME", "application_name"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGDATABASE", "dbname"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];

/// Settings of lib/pq that mean nothing to the client: how values are coded, what is always so, and what is looked at later.
const WITHOUT_MEANING: [&str; 11] = [
    "binary_parameters",
    "client_encoding",
    "datestyle",
    "disable_prepared_binary_result",
    "fallback_application_name",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslsni",
];

const NOT_SUPPORTED: [&str; 3] = ["krbspn", "krbsrvname", "service"];

/// Where the database is and how to come in.
#[derive(Clone)]
pub(super) struct Conninfo {
    pub config: Config,
    pub mode: Mode,
    pub files: Files,
}

impl Conninfo {
    /// Reads a connection string. Its values are never part of the error: one of them is a password.
    pub fn read<'a>(text: &str, env: impl Fn(&str) -> &'a str) -> Result<Self, String> {
        let given = match text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
            Some(rest) => url(rest),
            None => pairs(text)?,
        };
        let mut settings: BTreeMap<String, String> = ENVIRONMENT
            .iter()
            .map(|(variable, name)| ((*name).to_owned(), env(variable).to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        settings.extend(given);
        let home = Path::new(env("HOME"));
        let mut read = Self {
            config: Config::new(),
            mode: Mode::Require,
            files: Files { home: home.join(".postgresql"), ..Files::default() },
        };
        let mut parameters = Vec::new();
        for (name, value) in &settings {
            if !read.set(name, value).map_err(|why| format!("{name}: {why}"))? {
                parameters.push(parameter(name, value));
            }
        }
        read.finish(&parameters);
        let passfile = settings.get("passfile").map_or_else(|| home.join(".pgpass"), PathBuf::from);
        read.look_up_password(&passfile, env("USER"));
        Ok(read)
    }

    /// Takes one setting; `false` for a name that is none, which the server takes for one of its parameters.
    fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let config = &mut self.config;
        match name {
            "user" => {
                config.user(value);
            }
            "password" => {
                config.password(value);
            }
            "dbname" | "database" => {
                config.dbname(value);
            }
            "application_name" => {
                config.application_name(value);
            }
            "options" => {
                config.options(value);
            }
            "host" => {
                for host in value.split(',') {
                    config.host(if host.is_empty() { "localhost" } else { host });
                }
            }
            "hostaddr" => {
                for address in value.split(',') {
                    config.hostaddr(address.parse::<IpAddr>().map_err(|_| "not an address".to_owned())?);
                }
            }
            "port" => {
                for port in value.split(',') {
                    config.port(if port.is_empty() { 5432 } else { number(port)? });
                }
            }
            "connect_timeout" => {
                config.connect_timeout(Duration::from_secs(number(value)?));
            }
            "target_session_attrs" => {
                config.target_session_attrs(session(value)?);
            }
            "load_balance_hosts" if value == "random" => {
                config.load_balance_hosts(LoadBalanceHosts::Random);
            }
            "load_balance_hosts" if value == "disable" => {}
            "sslmode" => self.mode = Mode::read(value)?,
            "sslnegotiation" if value == "direct" => {
                config.ssl_negotiation(SslNegotiation::Direct);
            }
            "sslnegotiation" if value == "postgres" => {}
            "sslrootcert" => value.clone_into(&mut self.files.root),
            "sslcert" => value.clone_into(&mut self.files.certificate),
            "sslkey" => value.clone_into(&mut self.files.key),
            "sslinline" => {
                self.files.inline = matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True" | "yes" | "on")
            }
            "load_balance_hosts" | "sslnegotiation" => return Err("no such choice".to_owned()),
            name if NOT_SUPPORTED.contains(&name) => return Err("not supported by pilothouse".to_owned()),
            name => return Ok(WITHOUT_MEANING.contains(&name)),
        }
        Ok(true)
    }

    fn finish(&mut self, parameters: &[String]) {
        let config = &mut self.config;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_application_name().is_none() {
            config.application_name("pilothouse");
        }
        if config.get_connect_timeout().is_none_or(Duration::is_zero) {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if !parameters.is_empty() {
            let options = [config.get_options().unwrap_or_default(), &parameters.join(" ")].join(" ");
            config.options(options.trim_start());
        }
        let in_files = |host: &Host| !matches!(host, Host::Tcp(_));
        if config.get_hosts().first().is_some_and(in_files) && config.get_hostaddrs().is_empty() {
            // There is no TLS on a socket of the file system.
            self.mode = Mode::Disable;
        }
    }

    /// A password that is not given may lie in a file.
    fn look_up_password(&mut self, passfile: &Path, login: &str) {
        let config = &self.config;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.as_str(),
            _ => "localhost",
        };
        let port = config.get_ports().first().map_or_else(|| "5432".to_owned(), u16::to_string);
        let user = config.get_user().unwrap_or(login);
        let database = config.get_dbname().unwrap_or(user);
        if config.get_password().is_none()
            && let Some(password) = passfile::password(passfile, [host, &port, database, user])
        {
            self.config.password(password);
        }
    }

    /// How to try to connect, in order.
    pub fn attempts(&self) -> Vec<Config> {
        let modes: &[SslMode] = match self.mode {
            Mode::Disable => &[SslMode::Disable],
            Mode::Allow => &[SslMode::Disable, SslMode::Require],
            Mode::Prefer => &[SslMode::Prefer, SslMode::Disable],
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => &[SslMode::Require],
        };
        let with = |mode: &SslMode| self.config.clone().ssl_mode(*mode).clone();
        modes.iter().map(with).collect()
    }

    /// The first host and its port, for messages.
    pub fn place(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match (self.config.get_hosts().first(), self.config.get_hostaddrs().first()) {
            (_, Some(address)) => SocketAddr::new(*address, port).to_string(),
            (Some(Host::Tcp(host)), _) => format!("{host}:{port}"),
            #[cfg(unix)]
            (Some(Host::Unix(folder)), _) => format!("{}/.s.PGSQL.{port}", folder.display()),
            _ => String::new(),
        }
    }
}

/// The settings of a URL, without its scheme.
fn url(rest: &str) -> BTreeMap<String, String> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (credentials, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if name.ends_with(']') || !name.contains(':') => (name, port),
        _ => (host, ""),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let parts = [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", database)];
    let parts = parts.map(|(name, value)| (name.to_owned(), unescape(value)));
    let query = form_urlencoded::parse(query.as_bytes()).into_owned();
    parts.into_iter().chain(query).filter(|(_, value)| !value.is_empty()).collect()
}

/// Decodes percent signs; a plus stays one, other than in a query.
fn unescape(text: &str) -> String {
    let escaped = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned())
}

/// `key=value key='with spaces'`; a backslash takes the next character as it is.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut settings = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a setting has no \"=\" after its name")?;
        let name = name.trim_end();
        if name.contains(char::is_whitespace) {
            return Err("a setting has no \"=\" after its name".to_owned());
        }
        let (value, after) = value(after.trim_start())?;
        settings.insert(name.to_owned(), value);
        rest = after.trim_start();
    }
    Ok(settings)
}

/// The value that a text begins with, and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |text| (true, text));
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, next)) => value.push(next),
                None => return Err("a backslash at the end".to_owned()),
            },
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            space if space.is_whitespace() && !quoted => return Ok((value, &text[at..])),
            character => value.push(character),
        }
    }
    if quoted { Err("a quoted value does not end".to_owned()) } else { Ok((value, "")) }
}

/// A parameter of the server as `options` takes it.
fn parameter(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
    format!("-c {name}={value}")
}

fn session(value: &str) -> Result<TargetSessionAttrs, String> {
    match value {
        "any" | "prefer-standby" => Ok(TargetSessionAttrs::Any),
        "read-write" | "primary" => Ok(TargetSessionAttrs::ReadWrite),
        "read-only" | "standby" => Ok(TargetSessionAttrs::ReadOnly),
        _ => Err("no such choice".to_owned()),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "not a number that fits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lib/pq 1.12.3 makes of a connection string, with the environment in `env`.
    #[track_caller]
    fn read(text: &str, env: &[(&str, &'static str)]) -> Result<Conninfo, String> {
        Conninfo::read(text, |name| env.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value))
    }

    #[track_caller]
    fn check(text: &str, env: &[(&str, &'static str)], expected: &str) {
        let read = read(text, env).unwrap();
        let config = &read.config;
        let password = config.get_password().map_or("-".into(), String::from_utf8_lossy);
        let (user, database) = (config.get_user().unwrap_or("-"), config.get_dbname().unwrap_or("-"));
        assert_eq!(format!("{user} {password} {} {database} {:?}", read.place(), read.mode), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(read(text, &[]).map(|read| read.place()), Err(expected.to_owned()));
    }

    #[test]
    fn urls() {
        check("postgres://", &[], "- - localhost:5432 - Require");
        check("postgresql://me@db/helm?sslmode=disable", &[], "me - db:5432 helm Disable");
        check("postgres://me:p%40s+s%2F%20@db:5433/helm", &[], "me p@s+s/  db:5433 helm Require");
        check("postgres://me:a&b=c@[::1]:5433/helm", &[], "me a&b=c ::1:5433 helm Require");
        check("postgres://[::1]/helm?port=1&sslmode=verify-full", &[], "- - ::1:1 helm VerifyFull");
        check("postgres:///helm?host=/run/pg&user=me", &[], "me - /run/pg/.s.PGSQL.5432 helm Disable");
        check("postgres://db/helm?hostaddr=10.0.0.1&connect_timeout=3", &[], "- - 10.0.0.1:5432 helm Require");
    }

    #[test]
    fn pairs_of_key_and_value() {
        check("host=db port = 5433 user='me' dbname=helm", &[], "me - db:5433 helm Require");
        check(r"password='p@ss w\'rd/' user=a\ b host=db", &[], "a b p@ss w'rd/ db:5432 - Require");
        check("database=helm host=db,other sslmode=allow port=5433", &[], "- - db:5433 helm Allow");
        check("user=", &[], " - localhost:5432 - Require");
        check_refused("host", "a setting has no \"=\" after its name");
        check_refused("password=my secret host=db", "a setting has no \"=\" after its name");
        check_refused("password='open", "a quoted value does not end");
        check_refused("password=x\\", "a backslash at the end");
    }

    #[test]
    fn the_environment_comes_second() {
        let env = [("PGHOST", "far"), ("PGPORT", "1"), ("PGPASSWORD", "secret"), ("PGSSLMODE", "verify-ca")];
        check("", &env, "- secret far:1 - VerifyCa");
        check("postgres://near/helm?sslmode=disable", &env, "- secret near:1 helm Disable");
    }

    #[test]
    fn what_is_no_setting_is_for_the_server() {
        let read =
            read("host=db search_path='a b' work_mem=1MB options='-c geqo=off' binary_parameters=yes", &[]).unwrap();
        assert_eq!(read.config.get_options(), Some(r"-c geqo=off -c search_path=a\ b -c work_mem=1MB"));
        check_refused(
            "sslmode=sometimes",
            "sslmode: not one of disable, allow, prefer, require, verify-ca, verify-full",
        );
        check_refused("port=5432,x", "port: not a number that fits");
        check_refused("hostaddr=db", "hostaddr: not an address");
        check_refused("target_session_attrs=best", "target_session_attrs: no such choice");
        check_refused("service=prod", "service: not supported by pilothouse");
    }

    #[test]
    fn weaker_modes_are_tried_twice() {
        let modes = |mode: &str| {
            let read = read(&format!("sslmode={mode}"), &[]).unwrap();
            read.attempts().iter().map(Config::get_ssl_mode).collect::<Vec<_>>()
        };
        assert_eq!(modes("allow"), [SslMode::Disable, SslMode::Require]);
        assert_eq!(modes("prefer"), [SslMode::Prefer, SslMode::Disable]);
        assert_eq!(modes("verify-full"), [SslMode::Require]);
    }
}
