//! Pod logs, events, metrics.

use std::{cmp::Reverse, time::Duration};

use futures::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Cluster, Error, ErrorKind,
    read::Target,
    request::{build, collection_path, object_path, with_query},
};
use crate::manifest::{Object, quantity};

/// Metrics are an extra; a metrics server in trouble must not hold up what asks for them.
const METRICS_TIMEOUT: Duration = Duration::from_secs(3);

/// One event of an object, newest first in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInfo {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// Reason, for example `BackOff`.
    pub reason: String,
    /// Message.
    pub message: String,
    /// How often.
    pub count: u32,
    /// RFC 3339 time it was last seen.
    pub last_seen: String,
    /// `Kind/name` it is about.
    pub object: String,
}

/// Use of a container against its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUse {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Millicores used.
    pub cpu_milli: u64,
    /// Bytes used.
    pub memory_bytes: u64,
}

impl Cluster {
    /// Streams log lines of one container (the first when empty) to `lines`: the last `tail` of them, and those to
    /// come when asked to follow. Ends with the container, when cancelled, or when nobody listens any more.
    #[expect(clippy::too_many_arguments, reason = "each is one parameter of the API's log request")]
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        tail: u32,
        follow: bool,
        lines: mpsc::Sender<String>,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let tail = tail.to_string();
        let follow = if follow { "true" } else { "" };
        let query = [("container", container), ("tailLines", &tail), ("follow", follow)];
        let read = async {
            let mut stream = self.log_stream(namespace, pod, &query).await?;
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).await.map_err(broken_stream)? > 0 {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                line.clear();
                if lines.send(text).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        cancel.run_until_cancelled(read).await.unwrap_or(Ok(()))
    }

    /// The whole log of a container, for hook output.
    pub async fn log_text(&self, namespace: &str, pod: &str, container: &str) -> Result<String, Error> {
        let mut stream = self.log_stream(namespace, pod, &[("container", container)]).await?;
        let mut log = Vec::new();
        stream.read_to_end(&mut log).await.map_err(broken_stream)?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    async fn log_stream(
        &self,
        namespace: &str,
        pod: &str,
        query: &[(&str, &str)],
    ) -> Result<impl AsyncBufRead + Unpin + use<>, Error> {
        let pods = self.resource("v1", "Pod").await?;
        let path = format!("{}/log", object_path(&pods, namespace, pod));
        let request = build(Method::GET, &with_query(&path, query), &[], Vec::new())?;
        Ok(Box::pin(self.client().request_stream(request).await?))
    }

    /// Events about an object, newest first.
    pub async fn events_of(&self, object: &Object) -> Result<Vec<EventInfo>, Error> {
        // Events on cluster-scoped objects are kept in `default`.
        let namespace = if object.namespace().is_empty() { "default" } else { object.namespace() };
        let mut selector = format!("involvedObject.kind={},involvedObject.name={}", object.kind(), object.name());
        if !object.uid().is_empty() {
            selector.push_str(",involvedObject.uid=");
            selector.push_str(object.uid());
        }
        let about = format!("{}/{}", object.kind(), object.name());
        let mut events = self.read_events(namespace, &selector).await?;
        events.retain(|event| event.object == about);
        Ok(events)
    }

    /// Events of a namespace, newest first.
    pub async fn events(&self, namespace: &str) -> Result<Vec<EventInfo>, Error> {
        self.read_events(namespace, "").await
    }

    /// The same events are served by two groups, and a user may be allowed to read one of them only.
    async fn read_events(&self, namespace: &str, selector: &str) -> Result<Vec<EventInfo>, Error> {
        let core = self.resource("v1", "Event").await?;
        let path = with_query(&collection_path(&core, namespace), &[("fieldSelector", selector)]);
        let listed = match self.list_all(&core, &path).await {
            Err(forbidden) if forbidden.kind == ErrorKind::Forbidden => {
                self.list("events.k8s.io/v1", "Event", namespace, "").await.map_err(|_| forbidden)?
            }
            listed => listed?.0,
        };
        let mut events: Vec<_> = listed.iter().map(event).collect();
        events.sort_by_cached_key(|event| Reverse(event.last_seen.parse::<Timestamp>().ok()));
        Ok(events)
    }

    /// Use of the pods of a namespace from metrics.k8s.io; empty when metrics do not answer.
    pub async fn pod_use(&self, namespace: &str) -> Vec<ContainerUse> {
        let asked = async {
            let pods = self.resource_any_version("metrics.k8s.io", "PodMetrics").await?;
            self.list_all(&pods, &collection_path(&pods, namespace)).await
        };
        match tokio::time::timeout(METRICS_TIMEOUT, asked).await {
            Ok(Ok((pods, _))) => pods.iter().flat_map(container_uses).collect(),
            _ => Vec::new(),
        }
    }

    /// The pods a Job or Pod hook ran as, for reading logs.
    pub async fn hook_pods(&self, target: &Target) -> Result<Vec<Object>, Error> {
        match target.key.kind.as_str() {
            "Pod" => Ok(self.get(target).await?.into_iter().collect()),
            // By label, so that the pods are found when the Job is gone (helm/helm `pkg/action/hooks.go`).
            "Job" => {
                let selector = format!("job-name={}", target.key.name);
                self.list("v1", "Pod", &target.key.namespace, &selector).await
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn broken_stream(error: std::io::Error) -> Error {
    Error::from(kube::Error::ReadEvents(error))
}

/// An event of `v1` or `events.k8s.io/v1`: the same facts under other names.
fn event(object: &Object) -> EventInfo {
    let value = &object.value;
    let text = |paths: &[&str]| {
        let found = paths.iter().find_map(|path| value.pointer(path)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let count = ["/count", "/deprecatedCount", "/series/count"].iter().find_map(|path| value.pointer(path)?.as_u64());
    EventInfo {
        kind: text(&["/type"]),
        reason: text(&["/reason"]),
        message: text(&["/message", "/note"]),
        count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        last_seen: text(&[
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/deprecatedLastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]),
        object: format!(
            "{}/{}",
            text(&["/involvedObject/kind", "/regarding/kind"]),
            text(&["/involvedObject/name", "/regarding/name"])
        ),
    }
}

fn container_uses(pod: &Object) -> impl Iterator<Item = ContainerUse> {
    let containers = pod.value["containers"].as_array().into_iter().flatten();
    containers.map(|container| ContainerUse {
        pod: pod.name().to_owned(),
        container: container["name"].as_str().unwrap_or_default().to_owned(),
        cpu_milli: amount(&container["usage"]["cpu"], 1000.0),
        memory_bytes: amount(&container["usage"]["memory"], 1.0),
    })
}

/// A quantity in units of `1/per_unit`, rounded up as the API server rounds.
fn amount(value: &Value, per_unit: f64) -> u64 {
    let amount = value.as_str().and_then(quantity).unwrap_or(0.0) * per_unit;
    // Far below 2^53, where f64 counts exactly; the cast saturates.
    amount.ceil() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_of_a_pod() {
        let pod = Object::new(json!({"metadata": {"name": "web-1"}, "containers": [
            {"name": "web", "usage": {"cpu": "12345678n", "memory": "20480Ki"}},
        ]}));
        let uses: Vec<_> = container_uses(&pod).collect();
        let expected = ContainerUse {
            pod: "web-1".to_owned(),
            container: "web".to_owned(),
            cpu_milli: 13,
            memory_bytes: 20 << 20,
        };
        assert_eq!(uses, [expected]);
    }

    #[track_caller]
    fn check(value: Value, count: u32, last_seen: &str) {
        let expected = EventInfo {
            kind: "Warning".to_owned(),
            reason: "BackOff".to_owned(),
            message: "Back-off restarting".to_owned(),
            count,
            last_seen: last_seen.to_owned(),
            object: "Pod/web-1".to_owned(),
        };
        assert_eq!(event(&Object::new(value)), expected);
    }

    #[test]
    fn events_of_both_groups() {
        check(
            json!({"type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 3, "eventTime": null,
                "lastTimestamp": "2026-01-01T00:00:05Z", "involvedObject": {"kind": "Pod", "name": "web-1"}}),
            3,
            "2026-01-01T00:00:05Z",
        );
        check(
            json!({"type": "Warning", "reason": "BackOff", "note": "Back-off restarting", "deprecatedLastTimestamp": null,
                "eventTime": "2026-01-01T00:00:01.5Z", "regarding": {"kind": "Pod", "name": "web-1"}}),
            1,
            "2026-01-01T00:00:01.5Z",
        );
        check(
            json!({"type": "Warning", "reason": "BackOff", "note": "Back-off restarting", "eventTime": "2026-01-01T00:00:01Z",
                "series": {"count": 9, "lastObservedTime": "2026-01-01T00:00:09Z"}, "regarding": {"kind": "Pod", "name": "web-1"}}),
            9,
            "2026-01-01T00:00:09Z",
        );
    }
}
