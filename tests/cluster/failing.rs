//! A sample of the sandbox's faults on the real server, through a proxy in between.

use futures::{StreamExt, stream};
use pilothouse::{
    cluster::{Cluster, ConnectOptions},
    engine::{Operation, ServerSideMode},
    sandbox::Fault,
};

use self::faults::{Bench, Ended, Injector, METHODS, OPERATIONS, Trouble, troubles};
use crate::plane::plane;

#[path = "../ops/faults.rs"]
mod faults;
#[path = "proxy.rs"]
mod proxy;

/// How many are tried.
const CASES: usize = 60;
/// How many at once. Most of the time they wait for controllers.
const AT_ONCE: usize = 12;
/// Where the sample begins.
const SEED: u64 = 5;

/// What is done to one release, and what one of its requests meets.
struct Case {
    operation: Operation,
    method: ServerSideMode,
    place: usize,
    trouble: Trouble,
    told: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_requests_fail_on_the_real_server() {
    let namespace = plane().namespace();
    let client = proxy::client(plane().kubeconfig()).await;
    let first = bench(&client, &namespace, "first", Operation::Install, ServerSideMode::True).await;
    first.settle_neighbour().await;

    let starts = OPERATIONS.into_iter().flat_map(|operation| METHODS.map(|method| (operation, method)));
    let counted = starts.enumerate().map(|(number, (operation, method))| {
        let (client, namespace) = (&client, &namespace);
        async move {
            let bench = bench(client, namespace, &format!("count{number}"), operation, method).await;
            bench.set_up().await;
            (operation, method, bench.undisturbed().await)
        }
    });
    let counted: Vec<_> = futures::future::join_all(counted).await;

    let cases = sample(&counted).into_iter().enumerate().map(|(number, case)| {
        let (client, namespace) = (&client, &namespace);
        async move {
            let bench = bench(client, namespace, &format!("case{number}"), case.operation, case.method).await;
            bench.set_up().await;
            let ended = async {
                let (ended, left) = bench.suffer(&bench.look().await, case.place, case.trouble.clone()).await?;
                bench.upgrade(&left).await.map_err(|why| format!("{ended:?}, then {why}"))?;
                Ok(ended)
            };
            ended.await.map_err(|why: String| format!("{bench}: {:?} for {}: {why}", case.trouble, case.told))
        }
    });
    let results: Vec<Result<Ended, String>> = stream::iter(cases).buffer_unordered(AT_ONCE).collect().await;
    println!("on the real server: {}", faults::told(&results));
    let trouble: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(trouble.is_empty(), "{} cases:\n{}", trouble.len(), trouble.join("\n"));
}

/// The same cases every time.
fn sample(counted: &[(Operation, ServerSideMode, Vec<String>)]) -> Vec<Case> {
    let mut state = SEED;
    // Knuth's MMIX generator, of which the upper bits are random enough.
    let mut below = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % bound
    };
    let case = |number: usize| {
        let (operation, method, requests) = &counted[number % counted.len()];
        let place = below(requests.len());
        // The clock of the real server cannot be wound forward: it answers itself that it was too slow.
        let slow = Fault::Status { code: 504, message: "made up 504".to_owned(), retry_after: None };
        let mut troubles = troubles(&requests[place]);
        for trouble in troubles.iter_mut().filter(|trouble| **trouble == Trouble::Once(Fault::Hang)) {
            *trouble = Trouble::Once(slow.clone());
        }
        let trouble = troubles.swap_remove(below(troubles.len()));
        Case { operation: *operation, method: *method, place, trouble, told: requests[place].clone() }
    };
    (0..CASES).map(case).collect()
}

async fn bench(
    client: &kube::Client,
    namespace: &str,
    name: &str,
    operation: Operation,
    method: ServerSideMode,
) -> Bench {
    let injector = Injector::default();
    let address = proxy::serve(client.clone(), injector.clone()).await;
    let options = ConnectOptions {
        kubeconfig: vec![plane().kubeconfig().to_owned()],
        api_server: Some(format!("http://{address}")),
        namespace: Some(namespace.to_owned()),
        ..ConnectOptions::default()
    };
    Bench {
        clear: plane().cluster("test", namespace).await,
        troubled: Cluster::connect(&options).await.expect("the test kubeconfig is right"),
        injector,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        operation,
        method,
    }
}
