//! The sandbox as a `tower::Service`.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde_json::Value;
use tower::BoxError;

use super::{Fault, Shared, failure::Failure, server};

/// An answer's body: whole, or a stream of watch events or log lines.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The API as one user sees it.
#[derive(Clone)]
pub(super) struct Api {
    shared: Arc<Shared>,
    user: String,
}

impl Api {
    /// The API for a user.
    pub fn new(shared: Arc<Shared>, user: &str) -> Self {
        Self { shared, user: user.to_owned() }
    }

    async fn answer<B>(self, request: Request<B>) -> Result<Response<Body>, BoxError>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Into::into)?.to_bytes();
        let fault = self.shared.fault(&parts);
        match fault {
            Some(Fault::Disconnect) => return Err("connection reset by the sandbox".into()),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Closed) => return Ok(bytes(200, "application/json", Bytes::new())),
            Some(Fault::Status { code, ref message, retry_after }) => {
                let mut response = failure(&Failure::new(code, reason_of(code), message));
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                return Ok(response);
            }
            Some(Fault::Lost) | None => {}
        }
        let user = impersonated(&parts.headers).unwrap_or(&self.user);
        let answer = server::answer(&self.shared, user, &parts, &body).unwrap_or_else(|refusal| failure(&refusal));
        match fault {
            Some(Fault::Lost) => Err("connection reset by the sandbox".into()),
            _ => Ok(answer),
        }
    }
}

impl<B> tower::Service<Request<B>> for Api
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

fn impersonated(headers: &HeaderMap) -> Option<&str> {
    headers.get("impersonate-user")?.to_str().ok()
}

/// The reason that the server gives with a code.
fn reason_of(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    }
}

/// A JSON answer.
pub(super) fn json(code: u16, value: &Value) -> Response<Body> {
    bytes(code, "application/json", value.to_string().into())
}

/// A refusal as the `Status` it is.
pub(super) fn failure(refusal: &Failure) -> Response<Body> {
    json(refusal.code, &refusal.status())
}

/// A whole answer.
pub(super) fn bytes(code: u16, content_type: &'static str, bytes: Bytes) -> Response<Body> {
    stream(code, content_type, Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync())
}

/// An answer with any body.
pub(super) fn stream(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
