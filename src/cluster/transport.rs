//! What lies between our requests and kube's client: the rate limit, plugin credentials, and retries as client-go makes them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::Body;
use tokio::time::Instant;
use tower::BoxError;

use super::{
    Error, ErrorKind,
    credentials::{Credential, Plugin},
};

/// client-go `rest/request.go`, `maxRetries`.
const MAX_RETRIES: u32 = 10;

pub(super) struct Transport {
    pub(super) client: kube::Client,
    pub(super) limiter: Option<Limiter>,
    pub(super) plugin: Option<Plugin>,
    pub(super) clock: Arc<Clock>,
}

impl Transport {
    /// A client whose requests all take this way.
    pub(super) fn into_client(self, namespace: &str) -> kube::Client {
        let this = Arc::new(self);
        let service = tower::service_fn(move |request| {
            let this = Arc::clone(&this);
            async move { this.send(request).await }
        });
        kube::Client::new(service, namespace)
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let mut retries = 0;
        let mut refreshed = false;
        let mut repeated = false;
        loop {
            if let Some(limiter) = &self.limiter {
                tokio::time::sleep_until(limiter.reserve(Instant::now())).await;
            }
            let mut attempt = copy(&request)?;
            let credential = self.authorize(&mut attempt).await?;
            let response = self.client.send(attempt).await?;
            self.clock.hear(&response);

            if let (StatusCode::UNAUTHORIZED, Some(plugin), Some(credential)) =
                (response.status(), &self.plugin, &credential)
            {
                plugin.refused(credential);
                if !std::mem::replace(&mut refreshed, true) {
                    continue;
                }
            }
            if retries < MAX_RETRIES
                && let Some(pause) = pause_asked_for(&response)
            {
                retries += 1;
                tokio::time::sleep(pause).await;
                continue;
            }
            let (response, worth_retrying) = store_trouble(response).await?;
            if worth_retrying && !std::mem::replace(&mut repeated, true) {
                continue;
            }
            return Ok(response);
        }
    }

    async fn authorize(&self, request: &mut Request<Body>) -> Result<Option<Arc<Credential>>, Error> {
        let Some(plugin) = &self.plugin else {
            return Ok(None);
        };
        let credential = plugin.credential().await?;
        if let Some(token) = &credential.token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                Error::new(ErrorKind::Config, "the credential plugin's token has characters no header may have")
            })?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(Some(credential))
    }
}

/// How far the server's clock is ahead of ours, in seconds, as its answers tell.
#[derive(Default)]
pub(super) struct Clock(AtomicI64);

impl Clock {
    /// Now by the server's clock, in seconds since 1970; by ours as long as it did not tell.
    pub(super) fn now(&self) -> i64 {
        Timestamp::now().as_second() + self.0.load(Ordering::Relaxed)
    }

    fn hear(&self, response: &Response<Body>) {
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        if let Some(told) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) {
            let ahead = told.timestamp().as_second() - Timestamp::now().as_second();
            self.0.store(ahead, Ordering::Relaxed);
        }
    }
}

/// All our requests have bodies held in memory, so they can be sent again.
fn copy(request: &Request<Body>) -> Result<Request<Body>, Error> {
    let body =
        request.body().try_clone().ok_or_else(|| Error::new(ErrorKind::Other, "the request cannot be repeated"))?;
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Ok(copy)
}

/// The pause a server asks for: only with `Retry-After` and a 429 or 5xx (client-go `rest/with_retry.go`).
fn pause_asked_for(response: &Response<Body>) -> Option<Duration> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether etcd was changing its leader: tried once more (helm/helm `pkg/kubeenv/roundtripper.go`).
async fn store_trouble(response: Response<Body>) -> Result<(Response<Body>, bool), BoxError> {
    if !response.status().is_server_error() {
        return Ok((response, false));
    }
    let (head, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let status: Option<kube::core::Status> = serde_json::from_slice(&bytes).ok();
    let retry = status.is_some_and(|status| {
        status.message.ends_with("etcdserver: leader changed") || status.message.ends_with("raft proposal dropped")
    });
    Ok((Response::from_parts(head, Body::from(bytes)), retry))
}

/// A token bucket: `burst` requests at once, then `qps` a second.
pub(super) struct Limiter {
    interval: Duration,
    burst: Duration,
    /// When the bucket will be full again.
    full_at: Mutex<Instant>,
}

impl Limiter {
    /// `None` for no limit.
    pub(super) fn new(qps: f32, burst: u32) -> Option<Self> {
        let interval = Duration::try_from_secs_f32(qps.recip()).ok().filter(|_| qps > 0.0)?;
        Some(Self { interval, burst: interval * burst.max(1), full_at: Mutex::new(Instant::now()) })
    }

    /// Takes a token; when it may be used.
    fn reserve(&self, now: Instant) -> Instant {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = now.max(*full_at) + self.interval;
        full_at.checked_sub(self.burst).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_bucket_lets_a_burst_through_and_then_the_rate() {
        assert!(Limiter::new(0.0, 100).is_none());
        let limiter = Limiter::new(10.0, 3).expect("a limit");
        let start = Instant::now() + Duration::from_secs(60);
        let waits: Vec<_> = (0..5).map(|_| (limiter.reserve(start) - start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
    }

    /// A server that answers with these one after the other, then with 200. Returns the last answer and the count.
    async fn exchange(answers: Vec<(u16, &'static str, &'static str)>) -> (u16, usize) {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        let server = tower::service_fn(move |_request: Request<Body>| {
            let (code, retry_after, body) =
                answers.get(seen.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or((200, "", "{}"));
            let mut response = Response::builder().status(code);
            if !retry_after.is_empty() {
                response = response.header("retry-after", retry_after);
            }
            let response = response.body(Body::from(body.as_bytes().to_vec()));
            async move { response }
        });
        let client = kube::Client::new(server, "default");
        let transport = Transport { client, limiter: None, plugin: None, clock: Arc::default() };
        let request = Request::get("/version").body(Body::empty()).expect("a request");
        let response = transport.into_client("default").send(request).await.expect("an answer");
        (response.status().as_u16(), count.load(Ordering::SeqCst))
    }

    #[test]
    fn time_is_what_the_server_says() {
        let clock = Clock::default();
        assert!((clock.now() - Timestamp::now().as_second()).abs() <= 1);
        let answer = |date: &str| Response::builder().header("date", date).body(Body::empty()).expect("a response");
        clock.hear(&answer("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!((clock.now() - 784_111_777).abs() <= 1);
        clock.hear(&answer("yesterday"));
        assert!((clock.now() - 784_111_777).abs() <= 1);
    }

    #[tokio::test]
    async fn retries_only_when_the_server_asks_for_it() {
        assert_eq!(exchange(vec![(429, "0", ""), (503, "0", "")]).await, (200, 3));
        assert_eq!(exchange(vec![(503, "", "")]).await, (503, 1));
        assert_eq!(exchange(vec![(429, "0", ""); 20]).await, (429, 11));
        assert_eq!(exchange(vec![(404, "0", "")]).await, (404, 1));
    }

    #[tokio::test]
    async fn a_change_of_etcd_leader_is_tried_once_more() {
        let changed = r#"{"code":500,"message":"rpc: etcdserver: leader changed"}"#;
        assert_eq!(exchange(vec![(500, "", changed)]).await, (200, 2));
        assert_eq!(exchange(vec![(500, "", changed); 3]).await, (500, 2));
        assert_eq!(exchange(vec![(500, "", r#"{"code":500,"message":"other"}"#)]).await, (500, 1));
    }
}
