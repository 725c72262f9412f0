//! The sign-in request (RFC 6749 section 4.1.1, RFC 7636 section 4.3, OIDC Core section 3.1.2.1).

use doorward_protocol::{
    form,
    pkce::{CodeVerifier, S256},
    scope::OPENID,
};

use crate::{
    Error, Fault, SigninRequestArgs,
    client::Client,
    flow::{
        pending::{self, Owner, Pending, PendingSignin, Via},
        step_up::joined_scope,
        tokens::add_params,
    },
    lean::url,
    metadata::Endpoint,
    settings::{ResponseMode, StoreKind},
};

/// Parameters that the client sets itself. Extra parameters must not replace them.
const OWN_PARAMS: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
];

impl Client {
    /// Stores the request and navigates to the provider.
    pub(crate) async fn signin_redirect(&self, args: SigninRequestArgs) -> Result<(), Fault> {
        if self.settings.state_store == StoreKind::Memory {
            let text = "state_store must not be memory: the page is left, and its memory is lost";
            return Err(Error::Settings(text.to_owned()).into());
        }
        let redirect = args.redirect;
        let (address, _) = self.begin_signin(args, Via::Redirect).await?;
        self.ports.navigator.go(&address, redirect);
        Ok(())
    }

    /// Stores a request. Returns the URL at the provider and the request's identifier.
    pub(crate) async fn begin_signin(
        &self,
        args: SigninRequestArgs,
        via: Via,
    ) -> Result<(String, String), Fault> {
        let endpoint = self.metadata.endpoint(Endpoint::Authorization).await?;
        let id = pending::new_id(via, &*self.ports.entropy)?;
        let verifier = CodeVerifier::from_entropy(pending::random_bytes(&*self.ports.entropy)?);
        let nonce = match &args.nonce {
            Some(nonce) => nonce.clone(),
            None => pending::random_text(&*self.ports.entropy)?,
        };
        let key = match &self.tokens.http.proofs {
            Some(proofs) => Some(proofs.thumbprint().await?),
            None => None,
        };
        let pending = self.pending_signin(&args, via, id.clone(), verifier, nonce);
        let address = self.authorization_url(&endpoint, &args, &pending, key.as_deref())?;
        let address = self.pushed(&endpoint, address).await?;
        pending::put(&self.ports, &id, &Pending::Signin(Box::new(pending)), &self.settings)?;
        self.tokens.http.trace.authorization_request(&address);
        Ok((address, id))
    }

    fn pending_signin(
        &self,
        args: &SigninRequestArgs,
        via: Via,
        id: String,
        code_verifier: CodeVerifier,
        nonce: String,
    ) -> PendingSignin {
        let settings = &self.settings;
        let of_via = match via {
            Via::Redirect => None,
            Via::Popup => settings.popup_redirect_uri.as_ref(),
            Via::Frame => settings.silent_redirect_uri.as_ref(),
        };
        let redirect_uri = args.redirect_uri.as_ref().or(of_via).unwrap_or(&settings.redirect_uri);
        let scope = self.scope_of(args);
        let is_openid = scope.split(' ').any(|token| token == OPENID);
        let mut extra_token_params = settings.extra_token_params.clone();
        extra_token_params.extend(args.extra_token_params.iter().cloned());
        PendingSignin {
            id,
            via,
            created: self.ports.clock.now(),
            code_verifier,
            nonce,
            owner: Owner::of(settings),
            redirect_uri: redirect_uri.clone(),
            scope,
            response_mode: args.response_mode.unwrap_or(settings.response_mode),
            // Without `openid`, no ID token proves when the user signed in.
            max_age: args.max_age.or(settings.max_age.filter(|_| is_openid)),
            required_acr: args.required_acr.clone(),
            resource: match args.resource.as_slice() {
                [] => settings.resource.clone(),
                own => own.to_vec(),
            },
            extra_token_params,
            data: args.state.clone(),
            url_state: args.url_state.clone(),
            return_to: args.return_to.clone(),
        }
    }

    /// The scope of a request. A granted scope is not enough to go by: some providers name only
    /// that of the access token, without `openid` and `offline_access`.
    fn scope_of(&self, args: &SigninRequestArgs) -> String {
        let own = args.scope.as_ref().unwrap_or(&self.settings.scope);
        let Some(added) = &args.added_scope else {
            return own.clone();
        };
        let present = self.users.get().ok().flatten().filter(|_| args.scope.is_none());
        let asked = present.and_then(|session| session.stored.requested_scope.clone());
        joined_scope(asked.as_ref().unwrap_or(own), added)
    }

    fn authorization_url<'a>(
        &'a self,
        endpoint: &str,
        args: &'a SigninRequestArgs,
        pending: &PendingSignin,
        key: Option<&'a str>,
    ) -> Result<String, Fault> {
        let settings = &self.settings;
        let state = pending::state_param(&pending.id, pending.url_state.as_deref());
        let challenge = pending.code_verifier.challenge();
        let max_age = pending.max_age.map(|seconds| seconds.to_string());
        let mut query = url::encoded(&[
            ("response_type", "code"),
            ("client_id", &pending.owner.client_id),
            ("redirect_uri", &pending.redirect_uri),
            ("scope", &pending.scope),
            ("state", &state),
            ("nonce", &pending.nonce),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", S256),
        ]);
        let response_mode = Some(pending.response_mode).filter(|mode| *mode != ResponseMode::Query);
        let text =
            |own: &'a Option<String>, set: &'a Option<String>| own.as_deref().or(set.as_deref());
        for (name, value) in [
            ("dpop_jkt", key),
            ("response_mode", response_mode.map(ResponseMode::as_str)),
            ("prompt", text(&args.prompt, &settings.prompt)),
            ("display", text(&args.display, &settings.display)),
            ("max_age", max_age.as_deref()),
            ("ui_locales", text(&args.ui_locales, &settings.ui_locales)),
            ("acr_values", text(&args.acr_values, &settings.acr_values)),
            ("id_token_hint", args.id_token_hint.as_deref()),
            ("login_hint", args.login_hint.as_deref()),
        ] {
            if let Some(value) = value {
                form::append(&mut query, name, value);
            }
        }
        add_params(&mut query, &pending.resource, &[]);
        for (name, value) in settings.extra_query_params.iter().chain(&args.extra_query_params) {
            if OWN_PARAMS.contains(&name.as_str()) {
                let text = [
                    "extra_query_params must not contain ",
                    name,
                    ", which the client sets itself",
                ]
                .concat();
                return Err(Error::Settings(text).into());
            }
            form::append(&mut query, name, value);
        }
        Ok(url::with_query(endpoint, &query))
    }
}
