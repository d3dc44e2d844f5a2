//! The record of a running operation: written first (it is the lock), kept beating, written last.

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Error, retry::persistently, time};
use crate::{
    cluster,
    release::{self, HookRun, RecordMeta, Release, Status, Storage},
};

/// Annotation of a record: who runs the operation.
pub const HOLDER: &str = "pilothouse.dev/holder";
/// Annotation of a record: when its holder was last alive, RFC 3339.
pub const HEARTBEAT: &str = "pilothouse.dev/heartbeat";
/// A heartbeat this old means that its holder is gone: three beats missed.
pub const ALIVE_SECONDS: i64 = 30;

const BEAT: Duration = Duration::from_secs(10);

/// Characters of a description that a record has room for in any case.
const DESCRIPTION: usize = 200;

/// What a record tells of whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It was heard of within [`ALIVE_SECONDS`].
    Beats,
    /// Its heartbeat stopped this many seconds ago.
    Stopped(i64),
    /// It has no heartbeat, as Helm's have none, and was written this many seconds ago.
    Silent(i64),
}

/// Whether the holder of a record still lives, `now` being [`Cluster::now`] for holder and reader alike.
pub(super) fn life(meta: &RecordMeta, now: i64) -> Life {
    match meta.annotations.get(HEARTBEAT).and_then(|text| time::seconds(text)) {
        Some(beat) if now - beat <= ALIVE_SECONDS => Life::Beats,
        Some(beat) => Life::Stopped(now - beat),
        None => Life::Silent(now - written_at(meta)),
    }
}

/// Whether an operation holds a record and its holder still lives.
pub(super) fn at_work(meta: &RecordMeta, now: i64) -> bool {
    is_held(meta) && life(meta, now) == Life::Beats
}

/// Whether an operation holds a record, alive or not.
pub(super) fn is_held(meta: &RecordMeta) -> bool {
    meta.status.is_pending() || meta.status == Status::Uninstalling
}

/// When a record was last written: as the server noted it, else as its writer did.
fn written_at(meta: &RecordMeta) -> i64 {
    let noted = meta.writers.first().and_then(|(_, at)| time::seconds(at));
    noted.unwrap_or_else(|| meta.created_at.max(meta.modified_at))
}

/// What there is to say about a record that an operation holds: its age, who wrote it, and whether that writer still
/// beats. `None` for a record that nobody holds.
pub(super) fn notice(storage: &Storage, meta: &RecordMeta) -> Option<String> {
    held(meta, storage.cluster().now())
}

/// Why an operation cannot begin while another holds the release, and what ends that.
pub(super) fn hints(storage: &Storage, meta: &RecordMeta) -> Vec<String> {
    let now = storage.cluster().now();
    let Some(notice) = held(meta, now) else {
        return Vec::new();
    };
    let doctor = format!("pilothouse doctor {} -n {} --repair", meta.name, meta.namespace);
    let way_out = match life(meta, now) {
        Life::Beats => return vec![notice],
        Life::Stopped(_) => format!("{doctor} marks it failed, after a backup; then this can go on"),
        Life::Silent(_) => {
            format!("once its client is sure to be gone, {doctor} --abandoned-after 0s marks it failed, after a backup")
        }
    };
    vec![notice, way_out]
}

/// [`notice`], at a time.
pub(super) fn held(meta: &RecordMeta, now: i64) -> Option<String> {
    if !is_held(meta) {
        return None;
    }
    let holder = meta.annotations.get(HOLDER).map_or("its holder", String::as_str);
    let life = match life(meta, now) {
        Life::Beats => format!("; {holder} is still at work"),
        Life::Stopped(quiet) => format!("; {holder} was last heard {} ago", time::age(quiet)),
        Life::Silent(_) => String::new(),
    };
    Some(stands(meta, now, "an unknown writer") + &life)
}

/// `revision 3 is deployed for 5m, written by Helm`; `unknown` where the record tells of no writer.
fn stands(meta: &RecordMeta, now: i64, unknown: &str) -> String {
    let writer = meta.writers.first().map_or(unknown, |(manager, _)| manager.as_str());
    let (revision, status) = (meta.revision, meta.status.as_str());
    let age = time::age(now - meta.created_at.max(meta.modified_at));
    format!("revision {revision} is {status} for {age}, written by {writer}")
}

/// A pending record that beats until it is finished or dropped.
pub(super) struct Recorder {
    storage: Storage,
    meta: RecordMeta,
    beating: JoinHandle<()>,
    stop: DropGuard,
}

impl Recorder {
    /// Writes the pending record. When the revision is taken the error says who took it.
    pub(super) async fn begin(storage: &Storage, release: &Release) -> Result<Self, Error> {
        let holder = holder(storage.cluster().now());
        let meta = match persistently(|| storage.create(release, &holder)).await {
            Err(error @ release::Error::Exists) => match written(storage, release).await {
                Some(meta) => meta,
                None => return Err(taken(storage, release, &error).await),
            },
            // Helm's driver words it twice (helm/helm `pkg/storage/driver/secrets.go`).
            Err(release::Error::Cluster(error)) => {
                let message = format!("create: failed to create: {}", error.message);
                return Err(cluster::Error { message, ..error }.into());
            }
            created => created?,
        };
        Ok(Self::beating(storage, meta))
    }

    /// Takes the newest record for an operation that makes no revision of its own: writes it with its new status.
    pub(super) async fn take(storage: &Storage, meta: &RecordMeta, release: &Release) -> Result<Self, Error> {
        let mut meta = meta.clone();
        meta.annotations.extend(holder(storage.cluster().now()));
        match write(storage, &meta, release).await {
            Err(error @ release::Error::Moved { .. }) => Err(taken(storage, release, &error).await),
            written => Ok(Self::beating(storage, written?)),
        }
    }

    fn beating(storage: &Storage, meta: RecordMeta) -> Self {
        let stop = CancellationToken::new();
        let beating = tokio::spawn(beat(storage.clone(), meta.clone(), stop.clone()));
        Self { storage: storage.clone(), meta, beating, stop: stop.drop_guard() }
    }

    /// Writes the release into its record.
    pub(super) async fn update(&mut self, release: &Release) -> Result<(), release::Error> {
        self.meta = write(&self.storage, &self.meta, release).await?;
        Ok(())
    }

    /// Stops beating and writes the release for the last time. What a failure says is cut short where the record has no
    /// room for all of it.
    pub(super) async fn finish(self, release: &Release) -> Result<(), release::Error> {
        let Self { storage, meta, beating, stop } = self;
        drop(stop);
        // The task ends by itself; waiting for it keeps its last beat from racing with the write below.
        let _ = beating.await;
        match write(&storage, &meta, release).await {
            Err(release::Error::TooLarge { .. }) => {
                let mut shorter = release.clone();
                shorter.info.description = release.info.description.chars().take(DESCRIPTION).collect();
                write(&storage, &meta, &shorter).await.map(drop)
            }
            written => written.map(drop),
        }
    }
}

/// Replaces a record. Trouble that may pass is tried again: of a try whose answer got lost it is not known whether it was
/// carried out.
async fn write(storage: &Storage, meta: &RecordMeta, release: &Release) -> Result<RecordMeta, release::Error> {
    match persistently(|| storage.update(meta, release)).await {
        Err(moved @ release::Error::Moved { .. }) => {
            written(storage, release).await.filter(|now| now.uid == meta.uid).ok_or(moved)
        }
        done => done,
    }
}

/// The record of a release's revision, if it is what a try was to write whose answer got lost.
async fn written(storage: &Storage, release: &Release) -> Option<RecordMeta> {
    let meta = revision(storage, release).await?;
    let stored = persistently(|| storage.decode(&meta)).await.ok()?;
    (stored.info == release.info && stored.hooks == release.hooks).then_some(meta)
}

async fn revision(storage: &Storage, release: &Release) -> Option<RecordMeta> {
    let history = persistently(|| storage.history(&release.name)).await.unwrap_or_default();
    history.into_iter().find(|meta| meta.revision == release.revision)
}

/// A release as large as its record becomes when all goes well: every hook ran.
pub(super) fn grown(release: &Release) -> Release {
    let mut grown = release.clone();
    let now = || Some(time::now());
    (grown.info.first_deployed, grown.info.last_deployed) = (now(), now());
    for hook in &mut grown.hooks {
        let run =
            HookRun { started_at: now(), completed_at: now(), phase: "Succeeded".to_owned(), ..HookRun::default() };
        hook.last_run = run;
    }
    grown
}

/// What a record says of its holder.
fn holder(now: i64) -> BTreeMap<String, String> {
    let mut holder = format!("pilothouse[{}]", std::process::id());
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        holder.push_str(&format!(" on {}", host.trim()));
    }
    BTreeMap::from([(HOLDER.to_owned(), holder), (HEARTBEAT.to_owned(), time::text(now))])
}

async fn beat(storage: Storage, meta: RecordMeta, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(BEAT) => {}
        }
        let now = BTreeMap::from([(HEARTBEAT.to_owned(), time::text(storage.cluster().now()))]);
        // A beat that is missed says nothing; three of them do, and those the reader of the record sees.
        let _ = storage.annotate(&meta, &now).await;
    }
}

/// Someone else was faster: how the storage tells it, and who it is.
async fn taken(storage: &Storage, release: &Release, how: &release::Error) -> Error {
    let words = match revision(storage, release).await {
        Some(meta) => notice(storage, &meta).unwrap_or_else(|| stands(&meta, storage.cluster().now(), "someone else")),
        None => "someone else is ahead".to_owned(),
    };
    Error::Refused(format!("{how}: another operation runs on {}: {words}", release.name))
}

/// Marks a revision as superseded, whatever it was.
pub(super) async fn supersede(storage: &Storage, meta: &RecordMeta, release: &Release) -> Result<(), release::Error> {
    let mut superseded = release.clone();
    superseded.info.status = Status::Superseded;
    write(storage, meta, &superseded).await.map(drop)
}
