//! Files by their URL: values of `-f`, schemas that others refer to. No cluster is asked; this room has the transport.

use std::{thread, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper_util::client::proxy::matcher::Matcher;
use kube::{Config, client::Body};

use super::{Error, connect::client};

/// How often an answer may send on to another place, as Go's client allows.
const MAX_REDIRECTS: usize = 10;
/// How large a file may be.
const MAX_BYTES: u64 = 64 << 20;

/// Why a URL gives no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// There was no answer; the words are Go's: `Get "https://…": connect: connection refused`.
    NoAnswer(String),
    /// The answer was this status.
    Status(StatusCode),
}

/// The file at a URL. Waits for it, wherever it is called from.
///
/// # Errors
/// No answer in time, or one that is not 200.
pub fn fetch(url: &str, timeout: Duration) -> Result<Bytes, FetchError> {
    let failed = |words: String| FetchError::NoAnswer(format!("Get {url:?}: {words}"));
    let started = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| failed(error.to_string()))?;
            let answer = runtime.block_on(async { tokio::time::timeout(timeout, follow(url)).await });
            answer.unwrap_or_else(|_| Err(failed("context deadline exceeded".to_owned())))
        });
        waiting.join()
    });
    started.unwrap_or_else(|_| Err(failed("interrupted".to_owned())))
}

async fn follow(url: &str) -> Result<Bytes, FetchError> {
    let mut place = url.to_owned();
    for _ in 0..MAX_REDIRECTS {
        let failed = |words: String| FetchError::NoAnswer(format!("Get {place:?}: {words}"));
        let uri: Uri = place.parse().map_err(|error: http::uri::InvalidUri| failed(error.to_string()))?;
        let mut config = Config::new(uri.clone());
        config.proxy_url = Matcher::from_env().intercept(&uri).map(|proxy| proxy.uri().clone());
        // The client puts the path of its own address before that of each request.
        let parts = (uri.scheme().cloned(), uri.authority().cloned());
        let (Some(scheme), Some(authority)) = parts else { return Err(failed("no Host in request URL".to_owned())) };
        let base = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
        config.cluster_url = base.map_err(|error| failed(error.to_string()))?;
        let client = client(config).map_err(|error| failed(Error::from(error).message))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path).body(Body::empty()).map_err(|error| failed(error.to_string()))?;
        let answer = client.send(request).await;
        let answer = answer.map_err(|error| failed(go_words(&uri, Error::from(error).message)))?;
        let status = answer.status();
        if status.is_redirection()
            && let Some(next) = answer.headers().get(header::LOCATION).and_then(|next| next.to_str().ok())
        {
            place =
                if next.starts_with('/') { format!("{}{next}", place.trim_end_matches(path)) } else { next.to_owned() };
            continue;
        }
        if status != StatusCode::OK {
            return Err(FetchError::Status(status));
        }
        let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
        let body = http_body_util::Limited::new(answer.into_body(), limit).collect().await;
        return body.map(http_body_util::Collected::to_bytes).map_err(|error| failed(error.to_string()));
    }
    Err(FetchError::NoAnswer(format!("Get {place:?}: stopped after {MAX_REDIRECTS} redirects")))
}

/// What Go says of a host that cannot be reached. It also names the server that was asked for the host.
fn go_words(uri: &Uri, message: String) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    match message.as_str() {
        "connect: connection refused" | "i/o timeout" => format!("dial tcp {host}:{port}: {message}"),
        _ if message.contains("dns error") => format!("dial tcp: lookup {host}: no such host"),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_in_go_words_why_there_is_no_answer() {
        let uri: Uri = "https://example.com/a".parse().expect("a URL");
        for (message, expected) in [
            ("connect: connection refused", "dial tcp example.com:443: connect: connection refused"),
            ("client error (Connect): dns error: failed", "dial tcp: lookup example.com: no such host"),
            ("tls: bad certificate", "tls: bad certificate"),
        ] {
            assert_eq!(go_words(&uri, message.to_owned()), expected);
        }
    }
}
