//! `docs/guides/step-up.md`.

/// What a call needs.
pub mod policy {
    use doorward_policy::Policy;

    pub fn payment() -> Policy {
        // Within the last five minutes, and by two factors or a passkey.
        Policy::all_of([
            Policy::require_recent_sign_in(300),
            Policy::require_acr(["urn:doorward:acr:2"]),
        ])
    }
}

/// The API.
pub mod api {
    use axum::Json;
    use doorward_resource_server::{Anyone, Authorized, Policy, Refusal};

    pub async fn pay(
        caller: Authorized<Anyone>,
        Json(amount): Json<u32>,
    ) -> Result<&'static str, Refusal> {
        if amount > 1000 {
            caller.require_policy(&Policy::require_recent_sign_in(300))?;
        }
        Ok("paid")
    }
}

/// The page.
pub mod page {
    use doorward_client::{ApiRequest, Error, UserManager};
    use serde_json::json;

    pub async fn pay(manager: &UserManager) -> Result<(), Error> {
        match manager.fetch(ApiRequest::post("https://api.example/payments/7")).await {
            Ok(response) => println!("the API answered {}", response.status),
            Err(error) => {
                let Some(step_up) = error.step_up() else { return Err(error) };
                // After the redirect, the outcome has this state again: pay 7.
                let args = step_up.signin_args().state(json!({ "pay": 7, "sub": "…" }));
                manager.signin_redirect(args).await?;
            }
        }
        Ok(())
    }
}
