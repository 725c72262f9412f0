//! Counts what was refused, when the response leaves.

use axum::response::Response;
use doorward_protocol::error::ErrorCode;

/// Extension of a response that refuses a request, whether in JSON, on a page or by a redirect to
/// the client.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub(crate) ErrorCode);

/// Layer that counts refusals by their error code.
pub(crate) async fn count(response: Response) -> Response {
    if let Some(Refused(code)) = response.extensions().get::<Refused>() {
        metrics::counter!(
            "doorward_refusals_total",
            "part" => "provider",
            "error" => code.label()
        )
        .increment(1);
    }
    response
}
