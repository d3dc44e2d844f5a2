//! A database that is lost for a moment, just when an operation writes its final status.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use pilothouse::{
    engine::{Options, Phase, Progress, Reporter, RollbackTarget, execute, prepare_rollback},
    release::{Release, Status, Storage},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::{
    plane::plane,
    sql::{database, driver},
};

/// What happens to the connections to the database.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// All end, and so do the next few that come.
    Refused,
    /// They end when the server answers: what was asked was done all the same.
    Unheard,
}

/// Passes bytes between us and the database, and makes trouble.
struct Between {
    port: u16,
    trouble: watch::Sender<Trouble>,
}

/// Connections that are ended until one is let through.
const REFUSALS: usize = 2;

impl Between {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let trouble = watch::Sender::new(Trouble::None);
        let (now, refused) = (trouble.clone(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((ours, _)) = listener.accept().await {
                if *now.borrow() == Trouble::Refused {
                    if refused.fetch_add(1, Ordering::SeqCst) < REFUSALS {
                        continue;
                    }
                    now.send_replace(Trouble::None);
                }
                tokio::spawn(pass(ours, now.clone()));
            }
        });
        Self { port, trouble }
    }
}

async fn pass(mut ours: TcpStream, trouble: watch::Sender<Trouble>) {
    let port: u16 = database().port.parse().expect("a port");
    let mut theirs = TcpStream::connect(("127.0.0.1", port)).await.expect("the database");
    let mut changes = trouble.subscribe();
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            () = async { drop(changes.wait_for(|trouble| *trouble == Trouble::Refused).await) } => return,
            read = ours.read(&mut asked) => match read {
                Ok(1..) => theirs.write_all(&asked[..read.expect("some")]).await.expect("the database reads"),
                _ => return,
            },
            read = theirs.read(&mut answered) => match read {
                Ok(1..) if trouble.send_if_modified(|now| std::mem::replace(now, Trouble::None) == Trouble::Unheard) => return,
                Ok(read @ 1..) => ours.write_all(&answered[..read]).await.expect("we read"),
                _ => return,
            },
        }
    }
}

async fn check(trouble: Trouble) {
    let namespace = plane().namespace();
    let between = Between::start().await;
    let port = between.port;
    let connection = database().url("postgres").replace(&database().port, &port.to_string());
    let cluster = plane().cluster("test", &namespace).await;
    let storage = Storage::new(cluster, driver(&format!("{connection}?sslmode=disable")), namespace.as_str());
    let mut release = Release { name: "web".to_owned(), namespace, revision: 1, ..Release::default() };
    release.info.status = Status::Deployed;
    storage.create(&release, &BTreeMap::new()).await.expect("create a record");

    let options = Options::default();
    let prepared = prepare_rollback(&storage, "web", RollbackTarget::Previous, &options).await.expect("prepared");
    let report: Reporter = Arc::new(move |progress| {
        if matches!(progress, Progress::PhaseStarted(Phase::Final, _)) {
            between.trouble.send_replace(trouble);
        }
    });
    execute(&storage, prepared, None, &report, &CancellationToken::new()).await.expect("it comes through");
    let metas = storage.history("web").await.expect("history");
    let statuses: Vec<&str> = metas.iter().map(|meta| meta.status.as_str()).collect();
    assert_eq!(statuses, ["superseded", "deployed"]);
}

#[tokio::test]
async fn a_database_lost_for_a_moment_still_gets_the_final_status() {
    check(Trouble::Refused).await;
}

#[tokio::test]
async fn an_answer_that_got_lost_is_no_failure() {
    check(Trouble::Unheard).await;
}
