//! Jobs: pods until enough succeeded or too many failed.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    super::{store::Store, write::text},
    Next, events, gc,
    pods::{self, count, is_ready},
    status::{self, condition, counts, number},
};

/// Starts the pods that are missing and tells how the Job stands. The alarm is its time to live after it finished.
pub(super) fn reconcile(store: &mut Store, job: &Arc<Value>, alarm: bool) -> Next {
    if is_finished(job) {
        if alarm {
            gc::delete(store, job, "Background");
        }
        return Next::default();
    }
    if job["spec"]["suspend"] == true {
        return Next::default();
    }
    let found = pods::owned(store, job);
    let phase = |word: &str| count(found.iter().filter(|pod| pod["status"]["phase"] == word).count());
    let (succeeded, failed) = (phase("Succeeded"), phase("Failed"));
    let active = count(found.len()) - succeeded - failed;
    let completions = job["spec"]["completions"].as_i64().unwrap_or(1);
    let limit = number(&job["spec"]["backoffLimit"]);
    if succeeded >= completions {
        return finish(store, job, (succeeded, failed), None);
    }
    if failed > limit {
        return finish(store, job, (succeeded, failed), Some("Job has reached the specified backoff limit"));
    }
    let room = number(&job["spec"]["parallelism"]).min(completions - succeeded) - active;
    for _ in 0..room {
        pods::create(store, job, &job["spec"]["template"], None, &[]);
    }
    let ready = count(found.iter().filter(|pod| is_ready(pod)).count());
    let mut now = counts(&[("active", active + room.max(0)), ("succeeded", succeeded), ("failed", failed)]);
    now["ready"] = ready.into();
    now["terminating"] = 0.into();
    now["uncountedTerminatedPods"] = json!({});
    now["startTime"] = start_time(store, job);
    set(store, job, now);
    Next::default()
}

fn is_finished(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .filter(|condition| condition["status"] == "True")
        .any(|condition| condition["type"] == "Complete" || condition["type"] == "Failed")
}

fn start_time(store: &Store, job: &Value) -> Value {
    job["status"]["startTime"].as_str().map_or_else(|| store.now().into(), Value::from)
}

fn finish(store: &mut Store, job: &Arc<Value>, (succeeded, failed): (i64, i64), failure: Option<&str>) -> Next {
    let old = job["status"].clone();
    let mut now = counts(&[("succeeded", succeeded), ("failed", failed)]);
    now["ready"] = 0.into();
    now["terminating"] = 0.into();
    now["uncountedTerminatedPods"] = json!({});
    now["startTime"] = start_time(store, job);
    let verdicts = match failure {
        Some(message) => {
            [("FailureTarget", "BackoffLimitExceeded", message), ("Failed", "BackoffLimitExceeded", message)]
        }
        None => {
            let message = "Reached expected number of succeeded pods";
            now["completionTime"] = store.now().into();
            [("SuccessCriteriaMet", "CompletionsReached", message), ("Complete", "CompletionsReached", message)]
        }
    };
    let conditions: Vec<Value> = verdicts
        .into_iter()
        .map(|(kind, reason, message)| {
            let mut condition = condition(store, &old, kind, true, reason, message);
            condition["lastProbeTime"] = condition["lastTransitionTime"].clone();
            condition
        })
        .collect();
    now["conditions"] = conditions.into();
    match failure {
        Some(message) => events::record(store, job, "job-controller", "Warning", "BackoffLimitExceeded", message),
        None => events::record(store, job, "job-controller", "Normal", "Completed", "Job completed"),
    }
    set(store, job, now);
    let life = job["spec"]["ttlSecondsAfterFinished"].as_u64();
    life.map_or_else(Next::default, |seconds| Next::after(Duration::from_secs(seconds)))
}

fn set(store: &mut Store, job: &Arc<Value>, now: Value) {
    if let Some(live) = store.find("jobs.batch", &text(job, "namespace"), &text(job, "name")) {
        status::set(store, &live, now);
    }
}
