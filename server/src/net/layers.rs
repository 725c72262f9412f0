//! The layers that every request passes: observation, a time limit, a caught panic, a size limit.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, STRICT_TRANSPORT_SECURITY},
    },
    middleware,
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, set_header::SetResponseHeaderLayer,
};

use super::observe::{Observer, observe};

/// A request that is not answered after this time gets 408.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The largest body of a request.
const MAX_BODY: usize = 256 * 1024;

const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The router within the layers; the first of them sees a request first. With `hsts`, browsers come
/// back by https only (RFC 6797).
pub fn with_layers(router: Router, observer: Observer, hsts: bool) -> Router {
    let router = router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(observer, observe))
            .layer(CatchPanicLayer::custom(after_panic))
            .layer(RequestBodyLimitLayer::new(MAX_BODY)),
    );
    if hsts {
        router.layer(SetResponseHeaderLayer::overriding(STRICT_TRANSPORT_SECURITY, A_YEAR))
    } else {
        router
    }
}

/// The answer, or 408 when the time is over. An answer that is immediately there sets no timer.
pub(super) async fn in_time(answer: impl Future<Output = Response>) -> Response {
    timeout(TIME_LIMIT, answer)
        .await
        .unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

/// The panic hook has logged the panic.
fn after_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    let body = concat!(
        r#"{"error":"server_error","#,
        r#""error_description":"The server made a mistake; it is logged."}"#
    );
    (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{body::Body, extract::Request, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(request: Request) -> Response {
        let router = Router::new()
            .route("/panics", get(|| async { panic!("a defect") as () }))
            .route("/waits", get(std::future::pending::<()>))
            .route("/reads", axum::routing::post(|body: String| async move { body }));
        with_layers(router, Observer::new("provider", Vec::new()), true)
            .oneshot(request)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_answered() {
        let response = answer(Request::get("/panics").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let response = answer(Request::get("/waits").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 408);
        assert!(response.headers().contains_key("x-request-id"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let body = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let response = answer(Request::post("/reads").body(body).unwrap()).await;
        assert_eq!(response.status(), 408);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused() {
        let large = "x".repeat(MAX_BODY + 1);
        let response = answer(Request::post("/reads").body(Body::from(large)).unwrap()).await;
        assert_eq!(response.status(), 413);
    }
}
