//! In place of the trace, without the feature `trace`. It compiles to nothing.

use std::fmt::Display;

use crate::{
    Events, Fault,
    ports::{HttpRequest, HttpResponse, Ports},
};

/// Emits nothing.
#[derive(Clone)]
pub(crate) struct Tracer;

/// Remembers nothing of a request.
pub(crate) struct UnderWay;

#[allow(clippy::unused_self)] // As its other form.
impl Tracer {
    #[inline]
    pub(crate) fn new(_: &Events, _: &Ports) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn authorization_request(&self, _: &str) {}

    #[inline]
    pub(crate) fn authorization_response(&self, _: &str) {}

    #[inline]
    pub(crate) fn logout_request(&self, _: &str) {}

    #[inline]
    pub(crate) fn logout_response(&self, _: &str) {}

    #[inline]
    pub(crate) fn sending(&self, _: &HttpRequest) -> UnderWay {
        UnderWay
    }

    #[inline]
    pub(crate) fn sent(&self, _: UnderWay, _: &Result<HttpResponse, Fault>) {}

    #[inline]
    pub(crate) fn check(&self, _: &str, _: &dyn Display, _: &dyn Display, passed: bool) -> bool {
        passed
    }
}
