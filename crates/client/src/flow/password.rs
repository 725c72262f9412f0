//! Sign-in with the resource owner's password (RFC 6749 section 4.3).

use std::rc::Rc;

use doorward_protocol::{scope, secret::Secret};

use crate::{
    AuthEvent, Fault, IdTokenError,
    client::Client,
    flow::tokens::add_params,
    id_token::{Nonce, RequiredSignIn},
    lean::url,
    user_store::StoredUser,
};

impl Client {
    /// Requests tokens with the password. The user is stored as after any other sign-in.
    pub(crate) async fn signin_with_password(
        &self,
        username: &str,
        password: &Secret,
    ) -> Result<(), Fault> {
        let settings = &self.settings;
        let mut form = url::encoded(&[
            ("grant_type", "password"),
            ("username", username),
            ("password", password.expose()),
            ("scope", &settings.scope),
        ]);
        add_params(&mut form, &settings.resource, &settings.extra_token_params);
        let answer = self.tokens.grant(&form).await?;
        let is_openid = settings.scope.split(' ').any(|token| token == scope::OPENID);
        let asked = RequiredSignIn { max_age: settings.max_age.filter(|_| is_openid), acr: None };
        // This grant has no authorization request, and so no nonce.
        let id_token = self.verify_id_token(&answer, Nonce::AbsentOr(None), asked).await?;
        if id_token.is_none() && is_openid {
            return Err(IdTokenError::Missing.into());
        }
        let profile = self.profile(&answer, id_token.as_ref()).await?;
        self.user_loaded(&Rc::new(StoredUser::of_response(
            *answer,
            settings.scope.clone(),
            profile,
        )))?;
        self.events.emit(&AuthEvent::UserSignedIn);
        Ok(())
    }
}
