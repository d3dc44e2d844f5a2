//! The simulated scheduler and kubelet: pods start, run, finish, fail.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{Pace, store::Store, write::text},
    Next, events,
    images::{Behaviour, behaviour},
    status::{self, condition},
};

/// Takes a pod one step on: scheduled at once, the rest on alarms.
pub(super) fn reconcile(store: &mut Store, pod: &Arc<Value>, alarm: bool, pace: Pace) -> Next {
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    match (phase, alarm) {
        ("Pending", false) if pod["status"]["startTime"].is_null() => {
            schedule(store, pod);
            Next::after(pace.start)
        }
        ("Pending", true) if pod["status"]["startTime"].is_string() => start(store, pod, pace),
        ("Running", true) => go_on(store, pod),
        _ => Next::default(),
    }
}

/// How the pod as a whole behaves: as its first container that is not healthy.
fn mood(pod: &Value) -> Behaviour {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(behaviour).find(|mood| *mood != Behaviour::Healthy).unwrap_or(Behaviour::Healthy)
}

fn is_service(pod: &Value) -> bool {
    pod["spec"]["restartPolicy"] == "Always"
}

/// Steady but different from pod to pod.
fn spread(pod: &Value) -> usize {
    text(pod, "uid").bytes().map(usize::from).sum()
}

fn schedule(store: &mut Store, pod: &Arc<Value>) {
    let nodes = store.list("nodes", "");
    let node =
        nodes.get(spread(pod) % nodes.len().max(1)).map_or_else(|| "node-1".to_owned(), |node| text(node, "name"));
    // A DaemonSet's pod knows its node already.
    let node = pod["spec"]["nodeName"].as_str().map_or(node, str::to_owned);
    let mut bound = Value::clone(pod);
    bound["spec"]["nodeName"] = node.clone().into();
    status::write(store, pod, bound);
    let Some(pod) = store.find("pods", &text(pod, "namespace"), &text(pod, "name")) else {
        return;
    };
    let message = format!("Successfully assigned {}/{} to {node}", text(&pod, "namespace"), text(&pod, "name"));
    events::record(store, &pod, "default-scheduler", "Normal", "Scheduled", &message);
    let waiting = json!({ "waiting": { "reason": "ContainerCreating" } });
    let states = containers(&pod, |_| (waiting.clone(), false, 0, Value::Null));
    let now = store.now();
    let mut next = status_of(store, &pod, "Pending", false, "ContainersNotReady", states);
    next["startTime"] = now.into();
    status::set_as(store, &pod, next, "kubelet");
}

fn start(store: &mut Store, pod: &Arc<Value>, pace: Pace) -> Next {
    let mood = mood(pod);
    if mood == Behaviour::NoImage {
        no_image(store, pod);
        return Next::default();
    }
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let (image, name) =
            (container["image"].as_str().unwrap_or_default(), container["name"].as_str().unwrap_or_default());
        let message = format!("Container image {image:?} already present on machine");
        events::record(store, pod, "kubelet", "Normal", "Pulled", &message);
        events::record(store, pod, "kubelet", "Normal", "Started", &format!("Started container {name}"));
    }
    if is_service(pod) && mood == Behaviour::Fails {
        crash_loop(store, pod, "Error", 1);
        return Next::default();
    }
    let running = json!({ "running": { "startedAt": store.now() } });
    let states = containers(pod, |_| (running.clone(), true, 0, Value::Null));
    let next = status_of(store, pod, "Running", true, "", states);
    status::set_as(store, pod, next, "kubelet");
    match (is_service(pod), mood) {
        (true, Behaviour::Leaks) => Next::after(pace.start * 8),
        (false, Behaviour::Healthy | Behaviour::Fails) => Next::after(pace.job),
        _ => Next::default(),
    }
}

fn go_on(store: &mut Store, pod: &Arc<Value>) -> Next {
    if !is_service(pod) {
        finish(store, pod);
    } else if mood(pod) == Behaviour::Leaks && spread(pod).is_multiple_of(3) {
        crash_loop(store, pod, "OOMKilled", 137);
    } else if mood(pod) == Behaviour::Leaks {
        killed_once_more(store, pod);
    }
    Next::default()
}

/// A Job's pod ends.
fn finish(store: &mut Store, pod: &Arc<Value>) {
    let failed = mood(pod) == Behaviour::Fails;
    let (phase, reason, code) = if failed { ("Failed", "Error", 1) } else { ("Succeeded", "Completed", 0) };
    let now = store.now();
    let states = containers(pod, |_| {
        let ended =
            json!({ "exitCode": code, "reason": reason, "startedAt": pod["status"]["startTime"], "finishedAt": now });
        (json!({ "terminated": ended }), false, 0, Value::Null)
    });
    let next = status_of(store, pod, phase, false, if failed { "PodFailed" } else { "PodCompleted" }, states);
    status::set_as(store, pod, next, "kubelet");
}

fn no_image(store: &mut Store, pod: &Arc<Value>) {
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let image = container["image"].as_str().unwrap_or_default();
        if behaviour(container) != Behaviour::NoImage {
            continue;
        }
        let why = format!(
            "Failed to pull image {image:?}: rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: {image}: not found"
        );
        events::record(store, pod, "kubelet", "Normal", "Pulling", &format!("Pulling image {image:?}"));
        events::record(store, pod, "kubelet", "Warning", "Failed", &why);
        events::record(store, pod, "kubelet", "Warning", "Failed", "Error: ErrImagePull");
        events::record(store, pod, "kubelet", "Normal", "BackOff", &format!("Back-off pulling image {image:?}"));
        events::record(store, pod, "kubelet", "Warning", "Failed", "Error: ImagePullBackOff");
    }
    let states = containers(pod, |container| {
        let image = container["image"].as_str().unwrap_or_default();
        let message = format!("Back-off pulling image {image:?}: ErrImagePull: {image}: not found");
        (json!({ "waiting": { "reason": "ImagePullBackOff", "message": message } }), false, 0, Value::Null)
    });
    let next = status_of(store, pod, "Pending", false, "ContainersNotReady", states);
    status::set_as(store, pod, next, "kubelet");
}

fn crash_loop(store: &mut Store, pod: &Arc<Value>, reason: &str, code: i32) {
    let restarts = 5 + spread(pod) % 3;
    let ended = ended(store, pod, reason, code);
    let name = text(pod, "name");
    let message = format!("Back-off restarting failed container in pod {name}_{}", text(pod, "namespace"));
    events::record(store, pod, "kubelet", "Warning", "BackOff", &message);
    let states = containers(pod, |container| {
        let container = container["name"].as_str().unwrap_or_default();
        let why = format!(
            "back-off 2m40s restarting failed container={container} pod={name}_{}({})",
            text(pod, "namespace"),
            text(pod, "uid")
        );
        (json!({ "waiting": { "reason": "CrashLoopBackOff", "message": why } }), false, restarts, ended.clone())
    });
    let next = status_of(store, pod, "Running", false, "ContainersNotReady", states);
    status::set_as(store, pod, next, "kubelet");
}

/// A pod that runs again after it was killed for its memory, on its way to the next time.
fn killed_once_more(store: &mut Store, pod: &Arc<Value>) {
    let ended = ended(store, pod, "OOMKilled", 137);
    let restarts = 3 + spread(pod) % 3;
    let running = json!({ "running": { "startedAt": store.now() } });
    let states = containers(pod, |_| (running.clone(), true, restarts, ended.clone()));
    let next = status_of(store, pod, "Running", true, "", states);
    status::set_as(store, pod, next, "kubelet");
}

fn ended(store: &Store, pod: &Value, reason: &str, code: i32) -> Value {
    let times = (pod["status"]["startTime"].clone(), store.now());
    json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": times.0, "finishedAt": times.1 } })
}

/// State, readiness, restarts and last state of a container.
type State = (Value, bool, usize, Value);

fn containers(pod: &Value, state: impl Fn(&Value) -> State) -> Value {
    let list = pod["spec"]["containers"].as_array().into_iter().flatten();
    list.map(|container| {
        let (state, ready, restarts, last) = state(container);
        let running = state["running"].is_object();
        json!({
            "name": container["name"], "image": container["image"], "imageID": if running { container["image"].clone() } else { "".into() },
            "ready": ready, "started": running, "restartCount": restarts, "state": state,
            "lastState": if last.is_null() { json!({}) } else { last },
        })
    })
    .collect()
}

fn status_of(store: &Store, pod: &Value, phase: &str, ready: bool, reason: &str, containers: Value) -> Value {
    let old = &pod["status"];
    let message = if reason == "ContainersNotReady" { not_ready(&containers) } else { String::new() };
    let conditions = json!([
        condition(store, old, "PodReadyToStartContainers", phase != "Pending", "", ""),
        condition(store, old, "Initialized", true, "", ""),
        condition(store, old, "Ready", ready, reason, &message),
        condition(store, old, "ContainersReady", ready, reason, &message),
        condition(store, old, "PodScheduled", true, "", ""),
    ]);
    let number = spread(pod);
    let mut status = json!({
        "phase": phase, "conditions": conditions, "containerStatuses": containers, "qosClass": old["qosClass"],
        "startTime": old["startTime"], "hostIP": "192.168.10.11", "observedGeneration": pod["metadata"]["generation"],
    });
    if phase != "Pending" {
        status["podIP"] = format!("10.244.{}.{}", number % 200, number * 7 % 250 + 2).into();
        status["podIPs"] = json!([{ "ip": status["podIP"] }]);
    }
    status
}

fn not_ready(containers: &Value) -> String {
    let names: Vec<&str> =
        containers.as_array().into_iter().flatten().filter_map(|container| container["name"].as_str()).collect();
    format!("containers with unready status: [{}]", names.join(" "))
}
