//! Rules about a caller and a resource.

use crate::{Decision, Principal};

/// A rule about a caller and a resource, such as "the owner of the order". The handler loads the
/// resource, and then asks.
///
/// Closures are resource policies:
///
/// ```
/// use doorward_policy::{Decision, Principal, ResourcePolicy};
///
/// struct Order {
///     owner: String,
/// }
///
/// let owner = |caller: &Principal, order: &Order| {
///     Decision::allow_if(caller.sub() == order.owner, "to own the order")
/// };
/// let order = Order { owner: "alice".to_owned() };
/// assert!(owner.decide(&Principal::new("alice"), &order).is_allowed());
/// assert_eq!(owner.decide(&Principal::new("bob"), &order).reasons(), ["needs to own the order"]);
/// ```
pub trait ResourcePolicy<R: ?Sized> {
    /// Applies the rule.
    fn decide(&self, caller: &Principal, resource: &R) -> Decision;
}

impl<R: ?Sized, F: Fn(&Principal, &R) -> Decision> ResourcePolicy<R> for F {
    fn decide(&self, caller: &Principal, resource: &R) -> Decision {
        self(caller, resource)
    }
}
