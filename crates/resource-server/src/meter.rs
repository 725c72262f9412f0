//! Counters of the `metrics` crate. They count nothing unless a recorder is installed. Labels have
//! few values, and a caller can choose none of them.

use metrics::counter;

use crate::{RefusalCause, issuer::IssuerError};

/// A request was refused. The first counter has the exact cause; the second one has the error code
/// on the wire, and is shared with the provider's endpoints.
pub(crate) fn refused(cause: &RefusalCause, error: &'static str) {
    counter!("doorward_api_refusals_total", "cause" => cause.name()).increment(1);
    counter!("doorward_refusals_total", "part" => "api", "error" => error).increment(1);
}

/// The issuer's documents were fetched, or not.
pub(crate) fn keys_fetched(error: Option<&IssuerError>) {
    let outcome = error.map_or("fetched", IssuerError::name);
    counter!("doorward_api_key_fetches_total", "outcome" => outcome).increment(1);
}

/// The issuer was asked about a token: `active`, `inactive`, or why there was no answer.
pub(crate) fn introspected(outcome: &'static str) {
    counter!("doorward_api_introspections_total", "outcome" => outcome).increment(1);
}
