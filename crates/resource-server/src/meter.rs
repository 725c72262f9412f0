//! What is counted, by the `metrics` facade: where no recorder is installed, nothing is. Labels
//! take a few values only, none of which a caller can choose.

use metrics::counter;

use crate::{FetchError, RefusalCause};

/// A request was refused.
pub(crate) fn refused(cause: &RefusalCause) {
    counter!("doorward_api_refusals_total", "cause" => cause.name()).increment(1);
}

/// The issuer's documents were fetched, or not.
pub(crate) fn keys_fetched(error: Option<&FetchError>) {
    counter!("doorward_api_key_fetches_total", "outcome" => error.map_or("fetched", FetchError::name)).increment(1);
}

/// The issuer was asked about a token: `active`, `inactive`, or why there was no answer.
pub(crate) fn introspected(outcome: &'static str) {
    counter!("doorward_api_introspections_total", "outcome" => outcome).increment(1);
}
