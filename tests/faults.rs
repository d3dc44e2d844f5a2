//! Every request of every operation fails in turn, in every way, on the sandbox.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use faults::{Bench, Ended, Injector, METHODS, OPERATIONS, Seen, Trouble, troubles};
use pilothouse::{
    cluster::Cluster,
    engine::{Operation, ServerSideMode},
    release::RecordMeta,
    sandbox::Sandbox,
};
use tokio::runtime::{Builder, Runtime};

#[path = "ops/faults.rs"]
mod faults;

/// A runtime whose clock goes on only while everybody waits for it: nothing takes long.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
}

/// One operation by one method, where it starts from, and the requests it takes.
struct Start {
    operation: Operation,
    method: ServerSideMode,
    sandbox: Sandbox,
    before: Seen,
    requests: Vec<String>,
    /// What was left by cases before, and was upgraded: the revisions and objects, from which an upgrade does the same.
    upgraded: Mutex<HashSet<String>>,
}

impl Start {
    fn new(operation: Operation, method: ServerSideMode) -> Self {
        runtime().block_on(async {
            let mut start = Self {
                operation,
                method,
                sandbox: Sandbox::empty(),
                before: Seen::default(),
                requests: Vec::new(),
                upgraded: Mutex::default(),
            };
            let bench = start.bench(&start.sandbox);
            bench.settle_neighbour().await;
            bench.set_up().await;
            start.before = bench.look().await;
            start.requests = start.bench(&start.sandbox.fork()).undisturbed().await;
            start
        })
    }

    fn bench(&self, sandbox: &Sandbox) -> Bench {
        let injector = Injector::default();
        let meets = injector.clone();
        sandbox.set_fault(move |request| meets.meet(request));
        let cluster = || Cluster::from_client(sandbox.client(), "sandbox", "default");
        Bench {
            clear: cluster(),
            troubled: cluster(),
            injector,
            namespace: "default".to_owned(),
            name: "stage".to_owned(),
            operation: self.operation,
            method: self.method,
        }
    }

    fn cases(&self) -> impl Iterator<Item = (&Self, usize, Trouble)> {
        let all = self.requests.iter().enumerate();
        all.flat_map(move |(place, request)| troubles(request).into_iter().map(move |trouble| (self, place, trouble)))
    }

    /// Where it ended, or which request met what and what does not hold.
    fn suffer(&self, place: usize, trouble: &Trouble) -> Result<Ended, String> {
        runtime().block_on(async {
            let sandbox = self.sandbox.fork();
            let bench = self.bench(&sandbox);
            let ended = async {
                let (ended, left) = bench.suffer(&self.before, place, trouble.clone()).await?;
                let revision = |meta: &RecordMeta| format!("{} {}", meta.revision, meta.status.as_str());
                let state = format!("{:?} {:?}", left.history.iter().map(revision).collect::<Vec<_>>(), left.own);
                let new = self.upgraded.lock().expect("nobody panics").insert(state);
                if new {
                    bench.upgrade(&left).await.map_err(|why| format!("{ended:?}, then {why}"))?;
                }
                Ok(ended)
            };
            let told = |why: String| format!("{bench}: {trouble:?} for {place} {}: {why}", self.requests[place]);
            ended.await.map_err(told)
        })
    }
}

#[test]
fn every_request_of_every_operation_may_fail() {
    let starts: Vec<Start> =
        OPERATIONS.into_iter().flat_map(|operation| METHODS.map(|method| Start::new(operation, method))).collect();
    let cases: Vec<_> = starts.iter().flat_map(Start::cases).collect();
    let next = AtomicUsize::new(0);
    let results: Vec<Result<Ended, String>> = thread::scope(|scope| {
        let work = || {
            let next = || cases.get(next.fetch_add(1, Ordering::Relaxed));
            std::iter::from_fn(next).map(|(start, place, trouble)| start.suffer(*place, trouble)).collect::<Vec<_>>()
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a case can be tried")).collect()
    });
    println!("on the sandbox: {}", faults::told(&results));
    let trouble: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(trouble.is_empty(), "{} cases:\n{}", trouble.len(), trouble.join("\n"));
}
