//! The policies of pages: the values that protect the API, too.

use std::sync::LazyLock;

use doorward_axum::{Policy, RequiredPolicy};

/// Role admin.
pub(crate) struct AdminPolicy;

impl RequiredPolicy for AdminPolicy {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> = LazyLock::new(|| [doorward_demo::admin()]);
        &*POLICIES
    }
}

/// A sign-in within the last minute.
pub(crate) struct RecentSignInPolicy;

impl RequiredPolicy for RecentSignInPolicy {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [doorward_demo::recent_sign_in()]);
        &*POLICIES
    }
}
