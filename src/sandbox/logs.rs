//! Pod logs: generated, the same for a pod every time, believable for its image.

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tower::BoxError;

use super::{
    Shared,
    api::{self, Body},
    controllers::images::{Behaviour, behaviour},
    failure::Failure,
    path::{Query, Route},
    write::text,
};

/// Lines that a running service has written so far.
const LINES: usize = 60;

/// Answers `pods/NAME/log`, following when asked.
pub(super) fn answer(shared: &Shared, route: &Route, query: &Query) -> Result<Response<Body>, Failure> {
    let pod = shared.with_store(|store| store.get(&route.kind, &route.namespace, &route.name));
    let pod = pod.ok_or_else(|| Failure::not_found(&route.kind, &route.name))?;
    let container = pick(&pod, query.get("container"))?;
    let name = container["name"].as_str().unwrap_or_default();
    let state =
        pod["status"]["containerStatuses"].as_array().into_iter().flatten().find(|status| status["name"] == name);
    if let Some(reason) = state.and_then(|state| state["state"]["waiting"]["reason"].as_str())
        && reason != "CrashLoopBackOff"
    {
        let why = match reason {
            "ImagePullBackOff" => "trying and failing to pull image".to_owned(),
            other => other.to_owned(),
        };
        return Err(Failure::bad_request(format!(
            "container {name:?} in pod {:?} is waiting to start: {why}",
            route.name
        )));
    }
    let mut lines = lines(&pod, container, query.is("timestamps"));
    if let Some(tail) = query.number("tailLines").and_then(|tail| usize::try_from(tail).ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let text = Bytes::from(lines.concat());
    let running = pod["status"]["phase"] == "Running";
    if !query.is("follow") || !running {
        return Ok(api::bytes(200, "text/plain", text));
    }
    // A followed log stays open until the sandbox ends or the client leaves.
    let stop = shared.stop.clone();
    let rest = stream::once(async move { stop.cancelled().await }).filter_map(|()| std::future::ready(None));
    let frames = stream::once(std::future::ready(Ok::<_, BoxError>(Frame::data(text)))).chain(rest);
    Ok(api::stream(200, "text/plain", BodyExt::boxed_unsync(StreamBody::new(frames))))
}

fn pick<'a>(pod: &'a Value, name: &str) -> Result<&'a Value, Failure> {
    let containers = pod["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let unknown = || Failure::bad_request(format!("container {name} is not valid for pod {}", text(pod, "name")));
    match containers {
        [only] if name.is_empty() => Ok(only),
        _ if name.is_empty() => {
            let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
            let why = format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                text(pod, "name"),
                names.join(" ")
            );
            Err(Failure::bad_request(why))
        }
        _ => containers.iter().find(|container| container["name"] == name).ok_or_else(unknown),
    }
}

fn lines(pod: &Value, container: &Value, stamped: bool) -> Vec<String> {
    let started: Timestamp = pod["status"]["startTime"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let words = if pod["spec"]["restartPolicy"] == "Always" { service(container) } else { job(container) };
    let seed = text(pod, "uid").bytes().map(u64::from).sum::<u64>();
    let line = |(index, line): (usize, String)| {
        let wait = i64::try_from(index as u64 * 7 + seed % 5).unwrap_or(0);
        let time = started.checked_add(SignedDuration::from_secs(wait)).unwrap_or(started);
        if stamped { format!("{} {line}\n", time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ")) } else { format!("{line}\n") }
    };
    words.into_iter().enumerate().map(line).collect()
}

fn service(container: &Value) -> Vec<String> {
    let image = container["image"].as_str().unwrap_or_default();
    let name = container["name"].as_str().unwrap_or_default();
    let mut lines = vec![
        format!("level=info msg=\"starting {name}\" image={image}"),
        "level=info msg=\"configuration loaded\"".to_owned(),
    ];
    if behaviour(container) == Behaviour::Fails {
        lines.push(
            "level=error msg=\"cannot connect to the database\" error=\"dial tcp: lookup db: no such host\"".to_owned(),
        );
        lines.push("level=fatal msg=\"giving up\" exit=1".to_owned());
        return lines;
    }
    lines.push("level=info msg=\"listening\" address=0.0.0.0:8080".to_owned());
    for index in 0..LINES {
        lines.push(if behaviour(container) == Behaviour::Leaks && index % 6 == 5 {
            format!(
                "level=warn msg=\"heap growing\" in_use={}MiB cached_sessions={}",
                90 + index * 6,
                4_000 + index * 311
            )
        } else {
            let path = ["/healthz", "/v1/items", "/v1/items/42", "/metrics"][index % 4];
            format!("level=info method=GET path={path} status=200 duration={}ms", 3 + index * 13 % 41)
        });
    }
    lines
}

fn job(container: &Value) -> Vec<String> {
    let image = container["image"].as_str().unwrap_or_default();
    let subject = image.rsplit('/').next().unwrap_or_default();
    let mut lines = vec![format!("{subject}: starting"), "connecting to postgres://db:5432 … ok".to_owned()];
    for step in ["0040_accounts.sql", "0041_index.sql", "0042_audit.sql"] {
        lines.push(format!("applying {step} … ok"));
    }
    lines.push(match behaviour(container) {
        Behaviour::Fails => {
            "applying 0043_backfill.sql … ERROR: column \"region\" does not exist\nexit status 1".to_owned()
        }
        Behaviour::Hangs => "waiting for lock on table accounts".to_owned(),
        _ => "done: 3 migrations applied".to_owned(),
    });
    lines
}
