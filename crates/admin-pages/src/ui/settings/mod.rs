//! Settings by what belongs together, as facts and as a form: of clients, and of identity
//! providers.

mod controls;
mod facts;
mod form;
mod scopes;

pub use self::{
    controls::{control, field},
    facts::facts_of,
    form::{Group, changes, difference, said, sections},
    scopes::scopes,
};
