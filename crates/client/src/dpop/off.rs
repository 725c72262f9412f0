//! In place of the proofs, without the feature `dpop`.

use std::rc::Rc;

use crate::{
    Fault, Settings,
    ports::{HttpClient, HttpRequest, HttpResponse, Ports},
};

/// There are no proofs. The type has no values, so the code that uses it disappears.
pub(crate) enum Proofs {}

#[allow(clippy::unused_async)] // As the real ones are.
impl Proofs {
    pub(crate) fn of(_: &Settings, _: &Rc<Ports>) -> Option<Rc<Self>> {
        None
    }

    pub(crate) async fn thumbprint(&self) -> Result<String, Fault> {
        match *self {}
    }

    pub(crate) async fn send(
        &self,
        _: &dyn HttpClient,
        _: HttpRequest,
        _: &dyn Fn() -> Result<HttpRequest, Fault>,
        _: Option<&str>,
    ) -> Result<HttpResponse, Fault> {
        match *self {}
    }
}
