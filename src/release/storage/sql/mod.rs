//! Records in PostgreSQL, in Helm's own tables (helm/helm `pkg/storage/driver/sql.go`), so that both tools share one
//! database.
//!
//! Every change is one statement and so all or nothing. A row's `xmin`, the transaction that wrote it, is its version:
//! PostgreSQL itself changes it whoever writes. Nothing else than Helm's columns is kept: no annotations, no writers.

mod conninfo;
mod passfile;
mod schema;
mod tls;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::conninfo::Conninfo;
use super::object::{Stamps, Stored, user_labels};
use super::term::{Field, terms};
use super::{RecordMeta, moved, now, record_name};
use crate::release::{Error, Release, Status};

/// What a [`RecordMeta`] is made of.
const COLUMNS: &str =
    "r.key, r.namespace, r.name, r.version, r.status, r.createdAt, r.modifiedAt, r.xmin::text AS seen";

/// The user's labels as a JSON object, or null.
const LABELS: &str = "(SELECT json_object_agg(l.key, coalesce(l.value, ''))::text FROM custom_labels_v1 l \
                      WHERE l.releaseKey = r.key AND l.releaseNamespace = r.namespace AND l.key IS NOT NULL) AS labels";

/// A parameter of a statement. Its type is said, so that nothing needs to be prepared: one round trip a statement, and
/// poolers of connections between us and the database do not mind.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Records in a database, connected to when first asked. Clones share the connection.
#[derive(Clone)]
pub struct Sql(Arc<Shared>);

struct Shared {
    conninfo: Conninfo,
    tls: MakeRustlsConnect,
    client: Mutex<Option<Arc<Client>>>,
    /// Told after every write of ours.
    written: watch::Sender<()>,
}

impl Sql {
    /// The database of a connection string as in `HELM_DRIVER_SQL_CONNECTION_STRING`, completed by the variables of the
    /// environment that PostgreSQL's own tools know. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::Driver`] for a connection string that cannot be read, or certificates.
    pub fn new<'a>(connection: &str, env: impl Fn(&str) -> &'a str) -> Result<Self, Error> {
        let refused = |why: String| Error::Driver(format!("{WORDS}: HELM_DRIVER_SQL_CONNECTION_STRING: {why}"));
        let conninfo = Conninfo::read(connection, env).map_err(refused)?;
        let tls = tls::connector(conninfo.mode, &conninfo.files).map_err(refused)?;
        Ok(Self(Arc::new(Shared { conninfo, tls, client: Mutex::default(), written: watch::Sender::default() })))
    }

    /// Wakes after every write of this process.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.0.written.subscribe()
    }

    pub(super) async fn list(&self, namespace: &str, selector: &str) -> Result<Vec<RecordMeta>, Error> {
        let mut statement = format!("SELECT {COLUMNS}, {LABELS} FROM releases_v1 r WHERE r.owner = 'helm'");
        let terms = terms(selector)?;
        let mut values: Vec<&str> = Vec::new();
        let wanted = (!namespace.is_empty()).then_some(("namespace", "=", namespace));
        let wanted = wanted
            .into_iter()
            .chain(terms.iter().map(|term| (column(term.field), if term.equal { "=" } else { "<>" }, term.value)));
        for (column, operator, value) in wanted {
            values.push(value);
            statement.push_str(&format!(" AND r.{column} {operator} ${}", values.len()));
        }
        let parameters: Vec<Parameter<'_>> = values.iter().map(|value| (value as _, Type::TEXT)).collect();
        self.read(&statement, &parameters).await?.iter().map(meta).collect()
    }

    pub(super) async fn fetch(&self, namespace: &str, record: &str) -> Result<Stored, Error> {
        let statement =
            format!("SELECT {COLUMNS}, {LABELS}, r.body FROM releases_v1 r WHERE r.key = $1 AND r.namespace = $2");
        let rows = self.read(&statement, &[(&record, Type::TEXT), (&namespace, Type::TEXT)]).await?;
        let row = rows.first().ok_or(Error::NotFound)?;
        let body: String = row.try_get("body").map_err(failed)?;
        Ok(Stored::new(meta(row)?, body.into_bytes()))
    }

    pub(super) async fn metadata(&self, of: &RecordMeta) -> Result<RecordMeta, Error> {
        let statement = format!("SELECT {COLUMNS}, {LABELS} FROM releases_v1 r WHERE r.key = $1 AND r.namespace = $2");
        let rows = self.read(&statement, &[(&of.record, Type::TEXT), (&of.namespace, Type::TEXT)]).await?;
        meta(rows.first().ok_or_else(|| moved(of))?)
    }

    pub(super) async fn create(
        &self,
        namespace: &str,
        release: &Release,
        stamps: Stamps,
        payload: &[u8],
    ) -> Result<RecordMeta, Error> {
        let statement = format!(
            "WITH written AS (
                INSERT INTO releases_v1 AS r (
                    key, type, body, name, namespace, version, status, owner, createdAt, modifiedAt
                ) VALUES ($1, 'helm.sh/release.v1', $2, $3, $4, $5, $6, 'helm', $7, $10) RETURNING {COLUMNS}
            ), labelled AS (
                INSERT INTO custom_labels_v1 (releaseKey, releaseNamespace, key, value)
                SELECT $1, $4, label.key, label.value FROM unnest($8, $9) AS label (key, value)
            )
            SELECT *, NULL::text AS labels FROM written"
        );
        let record = record_name(&release.name, release.revision);
        let labels = user_labels(&release.labels);
        let (keys, values): (Vec<_>, Vec<_>) = labels.iter().unzip();
        let parameters: [Parameter<'_>; 10] = [
            (&record, Type::TEXT),
            (&String::from_utf8_lossy(payload), Type::TEXT),
            (&release.name, Type::TEXT),
            (&namespace, Type::TEXT),
            (&i64::from(release.revision), Type::INT8),
            (&release.info.status.as_str(), Type::TEXT),
            (&stamps.created, Type::INT8),
            (&keys, Type::TEXT_ARRAY),
            (&values, Type::TEXT_ARRAY),
            (&stamps.modified.unwrap_or_default(), Type::INT8),
        ];
        let written = self.write(&statement, &parameters).await?;
        Ok(RecordMeta { labels, ..written.ok_or(Error::Exists)? })
    }

    /// Writes over a row that is still as in `meta`. The labels of a record stay, as Helm has it.
    pub(super) async fn replace(
        &self,
        meta: &RecordMeta,
        release: &Release,
        payload: &[u8],
    ) -> Result<RecordMeta, Error> {
        let statement = format!(
            "UPDATE releases_v1 r SET body = $1, name = $2, version = $3, status = $4, owner = 'helm', modifiedAt = $5
            WHERE r.key = $6 AND r.namespace = $7 AND r.createdAt = $8 AND r.xmin::text = $9
            RETURNING {COLUMNS}, {LABELS}"
        );
        let parameters: [Parameter<'_>; 9] = [
            (&String::from_utf8_lossy(payload), Type::TEXT),
            (&release.name, Type::TEXT),
            (&i64::from(release.revision), Type::INT8),
            (&release.info.status.as_str(), Type::TEXT),
            (&now(), Type::INT8),
            (&meta.record, Type::TEXT),
            (&meta.namespace, Type::TEXT),
            (&meta.created_at, Type::INT8),
            (&meta.resource_version, Type::TEXT),
        ];
        self.write(&statement, &parameters).await?.ok_or_else(|| moved(meta))
    }

    pub(super) async fn delete(&self, meta: &RecordMeta) -> Result<(), Error> {
        let statement = format!(
            "WITH gone AS (
                DELETE FROM releases_v1 r WHERE r.key = $1 AND r.namespace = $2 AND r.createdAt = $3 RETURNING {COLUMNS}
            ), unlabelled AS (
                DELETE FROM custom_labels_v1 l USING gone
                WHERE l.releaseKey = gone.key AND l.releaseNamespace = gone.namespace
            )
            SELECT *, NULL::text AS labels FROM gone"
        );
        let parameters: [Parameter<'_>; 3] =
            [(&meta.record, Type::TEXT), (&meta.namespace, Type::TEXT), (&meta.created_at, Type::INT8)];
        self.write(&statement, &parameters).await?.map(drop).ok_or(Error::NotFound)
    }

    /// Carries out a change of one row, which it tells of; `None` when there was no such row.
    async fn write(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Option<RecordMeta>, Error> {
        let client = self.client().await?;
        let rows = client.query_typed(statement, parameters).await.map_err(failed)?;
        self.0.written.send_replace(());
        rows.first().map(meta).transpose()
    }

    /// Asks, and once more when the connection turns out to have ended: servers, poolers and firewalls end those that are
    /// idle for long.
    async fn read(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let client = self.client().await?;
        let answer = match client.query_typed(statement, parameters).await {
            Err(error) if is_end(&error) => {
                self.0.client.lock().await.take_if(|kept| Arc::ptr_eq(kept, &client));
                self.client().await?.query_typed(statement, parameters).await
            }
            answer => answer,
        };
        answer.map_err(failed)
    }

    /// The connection; a new one where there is none or the last one ended.
    async fn client(&self) -> Result<Arc<Client>, Error> {
        let mut kept = self.0.client.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let mut client = self.connect().await?;
        schema::ensure(&mut client).await.map_err(|error| self.refused(&error.into()))?;
        Ok(Arc::clone(kept.insert(Arc::new(client))))
    }

    async fn connect(&self) -> Result<Client, Error> {
        let conninfo = &self.0.conninfo;
        let mut refused = Refusal::default();
        for config in conninfo.attempts() {
            match self.try_connect(&config).await {
                Ok(client) => return Ok(client),
                Err(why) => refused = why,
            }
        }
        if refused.why.ends_with("server does not support TLS") {
            refused.why.push_str("; sslmode=disable in HELM_DRIVER_SQL_CONNECTION_STRING does without");
        }
        Err(self.refused(&refused))
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        refusal.told(format!("{WORDS}: PostgreSQL at {}", self.0.conninfo.place()))
    }

    async fn try_connect(&self, config: &Config) -> Result<Client, Refusal> {
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let limit = config.get_connect_timeout().copied().unwrap_or_default();
        let limit = limit.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX)) + Duration::from_secs(1);
        let connecting = tokio::time::timeout(limit, config.connect(self.0.tls.clone()));
        let late = |_| Refusal { why: "no answer in time".to_owned(), may_pass: true };
        let (client, connection) = connecting.await.map_err(late)??;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection to the database ended: {}", reason(&error));
            }
        });
        Ok(client)
    }
}

impl fmt::Debug for Sql {
    /// Without the connection string, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sql")
    }
}

/// Helm's words for a database that does not let it in.
const WORDS: &str = "unable to instantiate SQL driver";

fn column(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Status => "status",
    }
}

fn meta(row: &Row) -> Result<RecordMeta, Error> {
    let text = |column| row.try_get::<_, String>(column).map_err(failed);
    let number = |column| row.try_get::<_, i32>(column).map_err(failed);
    let (record, namespace) = (text("key")?, text("namespace")?);
    let (created_at, modified_at) = (i64::from(number("createdat")?), i64::from(number("modifiedat")?));
    let labels: Option<String> = row.try_get("labels").map_err(failed)?;
    let labels: BTreeMap<String, String> =
        labels.and_then(|labels| serde_json::from_str(&labels).ok()).unwrap_or_default();
    Ok(RecordMeta {
        name: text("name")?,
        revision: u32::try_from(number("version")?).unwrap_or_default(),
        status: Status::from(text("status")?.as_str()),
        uid: format!("{namespace}/{record}@{created_at}"),
        resource_version: text("seen")?,
        created_at,
        modified_at: if modified_at == 0 { created_at } else { modified_at },
        writers: Vec::new(),
        annotations: BTreeMap::new(),
        labels: user_labels(&labels),
        record,
        namespace,
    })
}

/// Why a database does not do what it is asked to, and whether that may pass.
#[derive(Default)]
struct Refusal {
    why: String,
    may_pass: bool,
}

impl Refusal {
    fn told(&self, words: String) -> Error {
        let message = format!("{words}: {}", self.why);
        if self.may_pass { Error::Unanswered(message) } else { Error::Database(message) }
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        let passing = [&SqlState::CANNOT_CONNECT_NOW, &SqlState::TOO_MANY_CONNECTIONS];
        let said = error.code().is_some_and(|code| passing.contains(&code));
        let broken = error.source().is_some_and(|cause| cause.is::<std::io::Error>());
        Self { why: reason(&error), may_pass: said || broken || is_end(&error) }
    }
}

/// Whether the connection is no more: nobody said so, or the server did.
fn is_end(error: &tokio_postgres::Error) -> bool {
    let said = [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::IDLE_SESSION_TIMEOUT];
    error.is_closed() || error.code().is_some_and(|code| said.contains(&code))
}

fn failed(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::UNIQUE_VIOLATION) => Error::Exists,
        _ => Refusal::from(error).told("PostgreSQL".to_owned()),
    }
}

/// The whole reason: the client's own words name only where it happened.
fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let detail = error.detail().map_or(String::new(), |detail| format!(" ({detail})"));
        return format!("{}{detail}", error.message());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
