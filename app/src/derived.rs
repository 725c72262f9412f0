//! Values that are computed from signals.

pub use doorward_leptos::boxed_effect;
use leptos::prelude::*;

/// A value that is computed from signals: it is computed again when they change, and passed on if
/// it differs.
///
/// The function is boxed, so that the program has the code once for each type of value and not once
/// for each function. The same holds for the elements, which all take a [`Memo`] of a string or a
/// boolean.
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
