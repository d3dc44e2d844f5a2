//! Helm's tables (helm/helm `pkg/storage/driver/sql.go`, `ensureDBSetup`), made as Helm makes them: each step is noted in
//! the table of rubenv/sql-migrate, so that whoever comes second finds them made.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// Steps by their ids, in sql-migrate's order.
const MIGRATIONS: [(&str, &str); 2] = [
    (
        "custom_labels",
        "CREATE TABLE custom_labels_v1 (
            releaseKey VARCHAR(64),
            releaseNamespace VARCHAR(67),
            key VARCHAR(317),
            value VARCHAR(63)
        );
        CREATE INDEX ON custom_labels_v1 (releaseKey, releaseNamespace);
        GRANT ALL ON custom_labels_v1 TO PUBLIC;
        ALTER TABLE custom_labels_v1 ENABLE ROW LEVEL SECURITY;",
    ),
    (
        "init",
        "CREATE TABLE releases_v1 (
            key VARCHAR(90),
            type VARCHAR(64) NOT NULL,
            body TEXT NOT NULL,
            name VARCHAR(64) NOT NULL,
            namespace VARCHAR(64) NOT NULL,
            version INTEGER NOT NULL,
            status TEXT NOT NULL,
            owner TEXT NOT NULL,
            createdAt INTEGER NOT NULL,
            modifiedAt INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (key, namespace)
        );
        CREATE INDEX ON releases_v1 (key, namespace);
        CREATE INDEX ON releases_v1 (version);
        CREATE INDEX ON releases_v1 (status);
        CREATE INDEX ON releases_v1 (owner);
        CREATE INDEX ON releases_v1 (createdAt);
        CREATE INDEX ON releases_v1 (modifiedAt);
        GRANT ALL ON releases_v1 TO PUBLIC;
        ALTER TABLE releases_v1 ENABLE ROW LEVEL SECURITY;",
    ),
];

const NOTES: &str = "CREATE TABLE IF NOT EXISTS \"gorp_migrations\" \
                     (\"id\" text not null primary key, \"applied_at\" timestamp with time zone)";

/// Keeps two of us from making the tables at once; any number will do that is always the same.
const LOCK: i64 = 0x7069_6c6f_7468;

/// Makes the tables that are not there yet. Asks first: not everybody may create tables.
pub(super) async fn ensure(client: &mut Client) -> Result<(), Error> {
    if missing(client).await?.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.execute_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    transaction.batch_execute(NOTES).await?;
    for id in missing(transaction.client()).await? {
        let steps = MIGRATIONS.iter().filter(|(step, _)| *step == id);
        for (id, statements) in steps {
            transaction.batch_execute(statements).await?;
            let note = "INSERT INTO \"gorp_migrations\" (\"id\", \"applied_at\") VALUES ($1, now())";
            transaction.execute_typed(note, &[(id, Type::TEXT)]).await?;
        }
    }
    transaction.commit().await
}

/// Steps that the table of notes does not know, or all where there is no such table.
async fn missing(client: &Client) -> Result<Vec<&'static str>, Error> {
    let known = match client.query_typed("SELECT \"id\" FROM \"gorp_migrations\"", &[]).await {
        Ok(rows) => rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Vec::new(),
        Err(error) => return Err(error),
    };
    let ids = MIGRATIONS.iter().map(|(id, _)| *id);
    Ok(ids.filter(|id| !known.iter().any(|known| known == id)).collect())
}
