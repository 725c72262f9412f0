//! The idempotency keys of requests that create something.

use leptos::prelude::*;

use crate::{
    api::{Answer, Call, Failure},
    browser,
};

/// Gives a request the same key until it is known what became of it, so that an answer that was
/// lost makes nothing twice. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
pub struct RequestKeys {
    /// The last request, as long as its answer is not known, and its key.
    open: StoredValue<Option<(Call, String)>>,
}

impl RequestKeys {
    /// No request was sent yet.
    pub fn new() -> Self {
        Self { open: StoredValue::new(None) }
    }

    /// The call with its key, if it creates something.
    pub fn with_key(self, call: Call) -> Call {
        if !call.operation.creates() {
            return call;
        }
        let open = self.open.try_get_value().flatten().filter(|(own, _)| *own == call);
        let (_, key) = open.unwrap_or_else(|| (call.clone(), browser::random_key()));
        self.open.try_set_value(Some((call.clone(), key.clone())));
        call.key(key)
    }

    /// The answer is there. The next request is another one, unless it is open what became of this
    /// one.
    pub fn answered(self, answer: &Result<Answer, Failure>) {
        if !answer.as_ref().is_err_and(Failure::leaves_open) {
            self.open.try_set_value(None);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_admin::{Operation, types::problem::ProblemDetails};
    use serde_json::json;

    use super::*;

    fn refused(status: u16, kind: &str) -> Result<Answer, Failure> {
        let details = json!({"type": kind, "title": "", "status": status, "detail": ""});
        let details: ProblemDetails = serde_json::from_value(details).unwrap();
        Err(Failure::Refused(Box::new(details)))
    }

    #[test]
    fn a_request_keeps_its_key_until_its_answer_is_known() {
        Owner::new().with(|| {
            let keys = RequestKeys::new();
            let call =
                |name: &str| Call::new(Operation::CreateGroup, &[]).body(&json!({"name": name}));
            let first = keys.with_key(call("a"));
            assert_eq!(keys.with_key(call("a")), first, "no answer came");
            for unknown in [
                Err(Failure::Broken("no answer".to_owned())),
                refused(503, "urn:doorward:problem:unavailable"),
                refused(409, "urn:doorward:problem:idempotency-running"),
            ] {
                keys.answered(&unknown);
                assert_eq!(keys.with_key(call("a")), first, "{unknown:?}");
            }
            let other = keys.with_key(call("b"));
            assert_ne!(other, first);
            keys.answered(&refused(422, "urn:doorward:problem:invalid"));
            assert_ne!(keys.with_key(call("b")), other, "a refused request is over");
        });
    }

    #[test]
    fn what_was_done_is_done_again_when_it_is_asked_for_again() {
        Owner::new().with(|| {
            let keys = RequestKeys::new();
            let rotate = || keys.with_key(Call::new(Operation::RotateKeys, &[]));
            let first = rotate();
            keys.answered(&Ok(Answer::empty()));
            assert_ne!(rotate(), first);
            let look = Call::new(Operation::ListKeys, &[]);
            assert_eq!(keys.with_key(look.clone()), look, "nothing is created by it");
        });
    }
}
