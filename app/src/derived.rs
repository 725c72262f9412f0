//! What follows from the values of signals.

pub use doorward_leptos::follow;
use leptos::prelude::*;

/// A value computed from signals: computed again when they change, passed on when it differs.
///
/// The function is boxed, so that the page's program has the machinery once for each type of value
/// and not once for each function, elements included: they all take a [`Memo`] of text or of truth.
pub fn derived<T>(compute: impl Fn() -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    fn memo<T>(compute: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| compute())
    }
    memo(Box::new(compute))
}

/// The value of an ARIA state.
pub fn aria(state: bool) -> &'static str {
    if state { "true" } else { "false" }
}
