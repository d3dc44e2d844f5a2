//! An in-memory Kubernetes API behind `kube::Client`, for trying the program and for fast tests.
//!
//! It knows the kinds of its example releases; anything else answers 501, plainly.
//!
//! A request comes in through `api` (from `kube` in the process, or from `serve` over HTTP), is read by `path`, checked by
//! `access`, answered by `server`. Writes pass `write`, `patch`, `ssa` and `delete` into `store`, whose log of changes feeds `watch`
//! and the `controllers`, one task that sleeps while nothing changes.

mod access;
mod api;
mod controllers;
mod defaults;
mod delete;
mod discovery;
mod examples;
mod failure;
mod kinds;
mod logs;
mod managed;
mod metrics;
mod openapi;
mod patch;
mod path;
mod protobuf;
mod quantity;
mod scale;
mod select;
mod serve;
mod server;
mod ssa;
mod store;
#[cfg(test)]
mod tests;
mod validate;
mod watch;
mod write;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::{CancellationToken, DropGuard};

use api::Api;
use store::Store;

/// A running in-memory API server. Cheap to clone; clones share state. Dropping the last one stops its controllers.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    _stop: Arc<DropGuard>,
}

/// A fault for tests: what a request meets instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A `Status` with this code and message, and `Retry-After` in seconds.
    Status {
        /// HTTP status code, for example 429.
        code: u16,
        /// The message.
        message: String,
        /// Seconds for the `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection breaks before the request is read.
    Disconnect,
    /// The request is carried out, and the connection breaks before its answer.
    Lost,
    /// The answer begins and ends at once, as a watch that the server closes.
    Closed,
    /// The answer never comes.
    Hang,
}

type FaultFn = dyn Fn(&http::request::Parts) -> Option<Fault> + Send + Sync;

/// How long simulated things take.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    /// From a pod's creation until its containers run and are ready.
    start: Duration,
    /// How long a Job's pod runs.
    job: Duration,
}

/// What clients, controllers and listeners share.
struct Shared {
    store: Mutex<Store>,
    revision: tokio::sync::watch::Sender<u64>,
    /// Counts how often watches were broken on purpose.
    breaks: tokio::sync::watch::Sender<u32>,
    fault: Mutex<Option<Arc<FaultFn>>>,
    pace: Pace,
    stop: CancellationToken,
}

impl Shared {
    /// Works on the store; whoever waits for changes hears of them afterwards. Never held across an await.
    fn with_store<R>(&self, work: impl FnOnce(&mut Store) -> R) -> R {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut store);
        let revision = store.revision();
        drop(store);
        self.revision.send_if_modified(|known| std::mem::replace(known, revision) != revision);
        result
    }

    fn fault(&self, request: &http::request::Parts) -> Option<Fault> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        fault.and_then(|fault| fault(request))
    }
}

impl Sandbox {
    /// An empty cluster with the namespaces `default` and `kube-system` and simulated controllers. Needs a tokio runtime.
    /// Nothing takes time here: pods are ready and Jobs done as soon as they exist.
    pub fn empty() -> Self {
        let sandbox = Self::start(Store::new(), Pace::default());
        sandbox.shared.with_store(server::seed);
        sandbox
    }

    /// The same with one more namespace.
    pub fn with_namespace(name: &str) -> Self {
        let sandbox = Self::empty();
        sandbox.shared.with_store(|store| server::seed_namespace(store, name));
        sandbox
    }

    /// A cluster with about a dozen believable releases with history.
    pub async fn with_examples() -> Self {
        Self::start(
            examples(jiff::Timestamp::now()),
            Pace { start: Duration::from_millis(1500), job: Duration::from_secs(3) },
        )
    }

    /// The same as of `now`, where the clock of the cluster stays; nothing takes time. For tests and screenshots, which it makes
    /// come out the same every time.
    pub async fn with_examples_at(now: jiff::Timestamp) -> Self {
        let mut store = examples(now);
        store.clock = Some(now);
        Self::start(store, Pace::default())
    }

    /// Another cluster in the same state, whose pods take a moment to start and whose Jobs run for another. From here on
    /// each goes its own way.
    pub fn fork(&self) -> Self {
        let pace = Pace { start: Duration::from_millis(100), job: Duration::from_millis(200) };
        Self::start(self.shared.with_store(|store| store.clone()), pace)
    }

    fn start(store: Store, pace: Pace) -> Self {
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            revision: tokio::sync::watch::Sender::new(store.revision()),
            breaks: tokio::sync::watch::Sender::new(0),
            store: Mutex::new(store),
            fault: Mutex::new(None),
            pace,
            stop: stop.clone(),
        });
        controllers::start(&shared);
        Self { shared, _stop: Arc::new(stop.drop_guard()) }
    }

    /// A client to it, as the user `admin`.
    pub fn client(&self) -> kube::Client {
        self.client_as("admin")
    }

    /// A client as another user. `reader` may read everything; `operator` may do everything outside the namespace `vault`, but not
    /// list across all namespaces; `tenant` may do everything in `payments` and `orders` and sees no namespaces; others may nothing.
    pub fn client_as(&self, user: &str) -> kube::Client {
        kube::Client::new(Api::new(self.shared.clone(), user), "default")
    }

    /// Serves the same over plain HTTP on a loopback address until dropped; returns the bound address. The caller is `admin`, or
    /// whom the `Impersonate-User` header names.
    pub async fn listen(&self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        serve::listen(self.shared.clone(), address).await
    }

    /// A kubeconfig for an address from `listen`.
    pub fn kubeconfig(address: SocketAddr) -> String {
        serve::kubeconfig(address)
    }

    /// Asks `fault` about every request from now on; what it answers happens instead of the request.
    pub fn set_fault(&self, fault: impl Fn(&http::request::Parts) -> Option<Fault> + Send + Sync + 'static) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(fault));
    }

    /// Requests are answered again.
    pub fn clear_fault(&self) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Breaks every open watch in the middle, as a lost connection does.
    pub fn break_watches(&self) {
        self.shared.breaks.send_modify(|count| *count += 1);
    }

    /// Forgets past changes: a watch that resumes from before now is told 410.
    pub fn compact(&self) {
        self.shared.with_store(Store::compact);
    }
}

/// The examples as of `now`. A mistake in them, which the tests would find, leaves the rest of them out.
fn examples(now: jiff::Timestamp) -> Store {
    let mut store = Store::new();
    if let Err(message) = examples::populate(&mut store, now) {
        tracing::error!(%message, "the sandbox's examples are incomplete");
    }
    store
}
