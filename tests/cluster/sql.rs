//! Records in PostgreSQL, which real Helm and Pilothouse share: what either wrote, the other reads and goes on from.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use pilothouse::release::{Driver, Error, Release, Status, Storage};

use crate::{
    cli::check_with,
    plane::{chart, free_ports, plane, succeed},
    records::ops,
};

/// A server of this test binary. `postgres.sh` ends it when this process ends, however that happens.
pub struct Database {
    folder: String,
    pub port: String,
    _server: Child,
}

pub fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(Database::start)
}

impl Database {
    fn start() -> Self {
        let [port] = free_ports();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/postgres.sh");
        let mut command = Command::new("bash");
        command.arg(script).arg(&port).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("bash starts");
        let mut folder = String::new();
        let said = server.stdout.take().expect("piped");
        BufReader::new(said).read_line(&mut folder).expect("postgres.sh prints a line");
        assert!(!folder.is_empty(), "PostgreSQL did not come up; postgres.sh says why above");
        Self { folder: folder.trim().to_owned(), port, _server: server }
    }

    /// A connection string for one of its databases.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://helm:p%40ss%20w%27rd%2F@localhost:{}/{name}", self.port)
    }

    /// A database nobody else uses, made now; its connection string.
    pub fn make(&self, name: &str) -> String {
        self.run("psql", &format!("-d postgres -qc 'CREATE DATABASE {name}'"));
        self.url(name)
    }

    /// One of PostgreSQL's own programs, which must succeed; its standard output.
    #[track_caller]
    fn run(&self, program: &str, args: &str) -> String {
        let port = &self.port;
        plane().shell(&format!("PGPASSWORD=\"p@ss w'rd/\" {program} -h localhost -p {port} -U helm {args}"))
    }

    /// What a statement answers, a line a row.
    #[track_caller]
    fn ask(&self, name: &str, statement: &str) -> String {
        self.run("psql", &format!("-d {name} -Atc \"{statement}\"")).trim_end().to_owned()
    }
}

/// Helm's variables for the records of a connection string.
pub fn vars(connection: &str) -> [(&'static str, &str); 2] {
    [("HELM_DRIVER", "sql"), ("HELM_DRIVER_SQL_CONNECTION_STRING", connection)]
}

pub fn driver(connection: &str) -> Driver {
    let vars = vars(connection);
    let value = |name: &str| vars.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    Driver::from_env(value).expect("a driver")
}

/// Records of the database that most tests share, each in its own namespace.
pub async fn storage(namespace: &str) -> Storage {
    let cluster = plane().cluster("test", namespace).await;
    Storage::new(cluster, driver(&database().url("postgres")), namespace)
}

/// Real Helm on the shared database, which must succeed; `ARGS -n NAMESPACE`.
#[track_caller]
fn helm(namespace: &str, args: &str) -> String {
    let args: Vec<&str> = args.split(' ').chain(["-n", namespace]).collect();
    succeed("helm", &args, plane().try_helm_with(&vars(&database().url("postgres")), &args))
}

#[track_caller]
fn pilothouse(namespace: &str, args: &str) -> String {
    let args: Vec<&str> = args.split(' ').chain(["-n", namespace]).collect();
    succeed("pilothouse", &args, plane().try_pilothouse_with(&vars(&database().url("postgres")), &args))
}

/// A namespace with releases of real Helm: one of three revisions, one that failed, one with hooks and kept history.
fn releases() -> String {
    let (plane, namespace) = (plane(), plane().namespace());
    let (web, store) = (chart("web"), chart("store"));
    helm(&namespace, &format!("install web {web} --labels team=a,tier=front --set config.a=x"));
    helm(&namespace, &format!("upgrade web {web} --set replicas=1"));
    helm(&namespace, &format!("upgrade web {web} --set extra=true --description three"));
    helm(&namespace, &format!("install store {store}"));
    helm(&namespace, &format!("install bad {web}"));
    let refused = ["upgrade", "bad", &web, "--set", "replicas=-1", "-n", &namespace];
    assert_ne!(plane.try_helm_with(&vars(&database().url("postgres")), &refused).code, 0);
    helm(&namespace, "uninstall store --keep-history");
    namespace
}

/// What both must answer alike. Revisions of one release in one list come to Helm in the order of the table's pages.
const ANSWERS: &str = "\
list -n NS
list -n NS -o json
list -n NS -q --uninstalled
list -n NS --superseded -q
list -n NS --failed
list -n NS -l team=a
list -n NS -l owner=helm,version=3
list -n NS -l modifiedAt
list -n nowhere
history web -n NS
history web -n NS -o yaml --max 2
history store -n NS
history nope -n NS
status web -n NS
status web -n NS --revision 2
status bad -n NS
status web -n NS --revision 99
get all web -n NS
get hooks store -n NS
get manifest web -n NS --revision 1
get notes web -n NS
get values web -n NS --revision 1 -o json
get values web -n NS -a
get metadata web -n NS
get metadata web -n NS --revision 2 -o json
rollback web 99 -n NS
rollback nope -n NS
rollback web 1 -n NS --dry-run=client
rollback web 1 -n NS --wait --timeout 60s
history web -n NS
rollback web 2 -n NS --history-max 20
history web -n NS
get metadata web -n NS
list -n NS -l tier=front
__complete status -n NS w";

#[test]
fn helm_and_pilothouse_answer_alike() {
    let namespace = releases();
    let connection = database().url("postgres");
    ANSWERS.lines().for_each(|line| check_with(&vars(&connection), &namespace, line));
}

#[test]
fn each_goes_on_where_the_other_stopped() {
    let namespace = releases();
    let labels = format!("SELECT count(*) FROM custom_labels_v1 WHERE releaseNamespace = '{namespace}'");
    pilothouse(&namespace, "rollback web 1");
    let history = helm(&namespace, "history web");
    assert!(history.trim_end().ends_with("Rollback to 1"), "{history}");
    assert!(helm(&namespace, "get metadata web").contains("LABELS: team=a,tier=front\n"));
    assert!(helm(&namespace, "get values web").contains("a: x"));

    helm(&namespace, "rollback web 2");
    helm(&namespace, &format!("upgrade web {} --set replicas=2", chart("web")));
    pilothouse(&namespace, "rollback web 4 --history-max 2");
    let statuses = database().ask(
        "postgres",
        &format!(
            "SELECT version, status FROM releases_v1 WHERE namespace = '{namespace}' AND name = 'web' ORDER BY version"
        ),
    );
    // The target and the last good revision, which is 6, stay, whatever the limit is.
    assert_eq!(statuses, "4|superseded\n6|superseded\n7|deployed");
    assert_eq!(database().ask("postgres", &labels), "6", "two labels a revision");
    let deployed = helm(&namespace, "get manifest web");
    assert_eq!(deployed, pilothouse(&namespace, "get manifest web"));

    helm(&namespace, "uninstall web");
    let gone = plane().try_pilothouse_with(&vars(&database().url("postgres")), &["history", "web", "-n", &namespace]);
    assert_eq!((gone.code, gone.stderr.lines().next()), (1, Some("Error: release: not found")));
    assert_eq!(database().ask("postgres", &labels), "0");
}

#[test]
fn helm_goes_on_with_what_we_installed() {
    let (namespace, web) = (plane().namespace(), chart("web"));
    pilothouse(&namespace, &format!("install web {web} --labels team=a --set config.a=x"));
    pilothouse(&namespace, &format!("upgrade web {web} --labels tier=front --set replicas=1"));
    assert!(helm(&namespace, "get metadata web").contains("LABELS: team=a,tier=front\n"));
    helm(&namespace, &format!("upgrade web {web} --labels team=null --set replicas=2"));
    assert!(pilothouse(&namespace, "get metadata web").contains("LABELS: tier=front\n"));
    helm(&namespace, "rollback web 1");
    assert_eq!(pilothouse(&namespace, "history web"), helm(&namespace, "history web"));
    pilothouse(&namespace, "uninstall web --keep-history");
    assert!(helm(&namespace, "list --uninstalled -q").starts_with("web\n"));
    helm(&namespace, &format!("install web {web} --replace"));
    pilothouse(&namespace, "uninstall web");
    assert_eq!(helm(&namespace, "list -q"), "");
    for table in [("releases_v1", "namespace"), ("custom_labels_v1", "releaseNamespace")] {
        let left = format!("SELECT count(*) FROM {} WHERE {} = '{namespace}'", table.0, table.1);
        assert_eq!(database().ask("postgres", &left), "0");
    }
}

#[test]
fn the_tables_are_helms() {
    let database = database();
    let notes = "SELECT id FROM gorp_migrations ORDER BY id";
    let made: Vec<String> = ["by_helm", "by_us"].map(|name| database.make(name)).into();
    let list = |ours: bool, connection: &str| {
        let vars = vars(connection);
        let ran =
            if ours { plane().try_pilothouse_with(&vars, &["list"]) } else { plane().try_helm_with(&vars, &["list"]) };
        succeed("list", &[], ran);
    };
    for (ours, connection) in [(false, &made[0]), (true, &made[1]), (true, &made[0]), (false, &made[1])] {
        list(ours, connection);
    }
    // Newer releases of the program print a line that differs from run to run.
    let tables = |name| database.run("pg_dump", &format!("--schema-only {name} | sed '/^.\\(un\\)\\?restrict /d'"));
    assert_eq!(tables("by_us"), tables("by_helm"));
    for name in ["by_helm", "by_us"] {
        assert_eq!(database.ask(name, notes), "custom_labels\ninit");
    }
}

#[tokio::test]
async fn written_records_are_listed_and_read() {
    ops::written_records_are_listed_and_read(storage(&plane().namespace()).await).await;
}

#[tokio::test]
async fn a_stranger_is_not_overwritten() {
    ops::a_stranger_is_not_overwritten(storage(&plane().namespace()).await).await;
}

fn release(revision: u32, status: Status) -> Release {
    let mut release = Release { name: "raced".to_owned(), revision, ..Release::default() };
    release.info.status = status;
    release
}

/// Exactly one of two clients gets a revision, and exactly one of two ends it.
#[tokio::test]
async fn of_two_at_once_one_wins() {
    let namespace = plane().namespace();
    let (one, two) = (storage(&namespace).await, storage(&namespace).await);
    let none = BTreeMap::new();
    for revision in 1..=20 {
        let pending = release(revision, Status::PendingUpgrade);
        let (first, second) = tokio::join!(one.create(&pending, &none), two.create(&pending, &none));
        let meta = match (first, second) {
            (Ok(meta), Err(Error::Exists)) | (Err(Error::Exists), Ok(meta)) => meta,
            both => panic!("{both:?}"),
        };
        let (deployed, failed) = (release(revision, Status::Deployed), release(revision, Status::Failed));
        let (first, second) = tokio::join!(one.update(&meta, &deployed), two.update(&meta, &failed));
        let won = match (first, second) {
            (Ok(meta), Err(Error::Moved { .. })) | (Err(Error::Moved { .. }), Ok(meta)) => meta,
            both => panic!("{both:?}"),
        };
        let stored = one.get("raced", revision).await.expect("get");
        assert_eq!(stored.info.status, won.status);
        let (first, second) = tokio::join!(one.delete(&won), two.delete(&won));
        assert!(matches!((&first, &second), (Ok(()), Err(Error::NotFound)) | (Err(Error::NotFound), Ok(()))));
    }
}

#[tokio::test]
async fn a_list_is_made_anew_after_every_write_and_a_broken_connection() {
    let connection = database().make("broken");
    let cluster = plane().cluster("test", "default").await;
    let storage = Storage::new(cluster, driver(&connection), "default");
    assert!(!storage.is_watched());
    let mut events = storage.in_namespace("").watch("status!=superseded");
    assert_eq!(ops::next(&mut events).await, "restarted with 0");
    let meta = ops::create(&storage, 1, Status::Deployed).await;
    assert_eq!(ops::next(&mut events).await, "restarted with 1");
    let others =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'broken' AND pid <> pg_backend_pid()";
    assert_eq!(database().ask("broken", others), "t");
    assert_eq!(storage.list("").await.expect("list"), [meta]);
}

/// What a connection string leads to: `Error: unable to instantiate SQL driver: ` and the rest.
#[track_caller]
fn check_refused(connection: &str, expected: &str) {
    let ran = plane().try_pilothouse_with(&vars(connection), &["list"]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("", 1), "{}", ran.stderr);
    let said = ran.stderr.replace(&database().port, "PORT");
    let rest = said.strip_prefix("Error: unable to instantiate SQL driver: ").unwrap_or(&said);
    assert_eq!(rest.trim_end(), expected);
    assert_eq!(plane().try_helm_with(&vars(connection), &["list"]).code, 1, "Helm refuses it as well");
}

#[test]
fn what_is_wrong_with_a_connection_is_one_sentence() {
    let database = database();
    let port = &database.port;
    let at = |rest: &str| format!("PostgreSQL at localhost:PORT: {rest}");
    check_refused(&database.url("nowhere"), &at("database \"nowhere\" does not exist"));
    let wrong = format!("host=localhost port={port} user=helm password='not it'");
    check_refused(&wrong, &at("password authentication failed for user \"helm\""));
    check_refused("postgres://localhost:1/helm", "PostgreSQL at localhost:1: Connection refused (os error 111)");
    let strict = format!("{}?sslmode=verify-full", database.url("postgres"));
    check_refused(&strict, &at("invalid peer certificate: UnknownIssuer"));
    let no_schema = format!("{}?search_path=nope", database.url("postgres"));
    check_refused(&no_schema, &at("no schema has been selected to create in"));
}

/// Forms that lib/pq takes, with and without TLS.
#[test]
fn connection_strings_are_read_as_helm_reads_them() {
    let database = database();
    let (folder, port, url) = (&database.folder, &database.port, database.url("postgres"));
    let root = format!("sslrootcert={folder}/server.crt");
    let password = r"password='p@ss w\'rd/'";
    for connection in [
        format!("{url}?sslmode=disable"),
        format!("{url}?sslmode=prefer&search_path=public&binary_parameters=yes"),
        format!("{url}?sslmode=verify-full&{root}"),
        format!("{}?sslmode=verify-ca&{root}", url.replace("localhost", "127.0.0.1")),
        format!("host=localhost port={port} user=helm dbname=postgres {password} sslmode=allow"),
        format!("host=localhost,localhost port=1,{port} user=helm dbname=postgres {password}"),
        format!("host={folder} port={port} user=helm dbname=postgres {password}"),
    ] {
        check_with(&vars(&connection), "nowhere", "list -n NS");
    }
}

#[test]
fn the_sandbox_touches_no_database() {
    let connection = database().url("postgres");
    let refused = plane().try_pilothouse_with(&vars(&connection), &["list", "--sandbox"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--sandbox does not touch a database"), "{}", refused.stderr);
}
