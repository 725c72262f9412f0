//! Calls to an API whose address is in a field.

use std::future::Future;

use doorward_leptos::{ApiRequest, Auth, Error, StepUp, use_auth};
use js_sys::{Array, Uint8Array};
use leptos::{html::Input, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Blob, FormData, RequestInit, Response};

/// Bytes that are no text.
const BYTES: [u8; 4] = [0, 0x80, 0xfe, 0xff];
/// The time-out of calls that have one, in milliseconds.
const TIMEOUT: u32 = 1000;

/// What becomes of a call.
#[derive(Clone, Copy)]
struct Outcome {
    text: RwSignal<String>,
    /// What the API asks for.
    step_up: RwSignal<Option<StepUp>>,
}

impl Outcome {
    /// Does something, and shows what becomes of it.
    fn of(self, work: impl Future<Output = Result<String, Error>> + 'static) {
        self.text.set("…".to_owned());
        spawn_local(async move {
            let result = work.await;
            self.step_up.set(result.as_ref().err().and_then(Error::step_up).cloned());
            self.text.set(result.unwrap_or_else(|error| format!("{:?}: {error}", error.kind())));
        });
    }
}

#[component]
pub(crate) fn Calls() -> impl IntoView {
    let auth = use_auth();
    let field = NodeRef::<Input>::new();
    let url = move || field.get_untracked().map(|input| input.value()).unwrap_or_default();
    let outcome = Outcome { text: RwSignal::default(), step_up: RwSignal::new(None) };
    let running = StoredValue::new_local(None::<AbortController>);
    let fetch_until_stopped = move |_| {
        let init = RequestInit::new();
        let controller = AbortController::new().ok();
        init.set_signal(controller.as_ref().map(AbortController::signal).as_ref());
        running.set_value(controller);
        outcome.of(fetch(auth, url(), init));
    };
    let stop = move |_| {
        running.with_value(|running| running.as_ref().map(AbortController::abort));
    };
    let fetch_for_a_while = move |_| {
        let init = RequestInit::new();
        init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
        outcome.of(fetch(auth, url(), init));
    };
    let call_for_a_while = move |_| {
        let request = ApiRequest::get(url()).timeout(u64::from(TIMEOUT / 1000));
        outcome.of(call(auth, request));
    };
    let sign_in_again = move |_| {
        if let Some(step_up) = outcome.step_up.get_untracked() {
            auth.step_up(&step_up, url());
        }
    };
    // What the sign-in was for, once it is there.
    Effect::new(move |_| {
        if let Some(url) = auth.take_repeat().and_then(|url| url.as_str().map(str::to_owned)) {
            outcome.of(fetch(auth, url, RequestInit::new()));
        }
    });
    view! {
        <h2>"Calls"</h2>
        <label>"API " <input id="api" size="60" node_ref=field/></label>
        <button id="call" on:click=move |_| outcome.of(call(auth, ApiRequest::get(url())))>
            "Call"
        </button>
        <button id="call_for_a_while" on:click=call_for_a_while>"Call for a second"</button>
        <button id="fetch" on:click=move |_| outcome.of(fetch(auth, url(), RequestInit::new()))>
            "Fetch"
        </button>
        <button id="upload" on:click=move |_| outcome.of(fetch(auth, url(), upload()))>
            "Upload a file"
        </button>
        <button id="fetch_until_stopped" on:click=fetch_until_stopped>"Fetch until stopped"</button>
        <button id="stop" on:click=stop>"Stop"</button>
        <button id="fetch_for_a_while" on:click=fetch_for_a_while>"Fetch for a second"</button>
        <button
            id="step_up"
            hidden=move || outcome.step_up.with(Option::is_none)
            on:click=sign_in_again
        >
            "Sign in again"
        </button>
        <p id="outcome" role="status">{outcome.text}</p>
    }
}

async fn call(auth: Auth, request: ApiRequest) -> Result<String, Error> {
    let answer = auth.call(request).await?;
    Ok(format!("{} {}", answer.status, answer.body))
}

/// The status of the answer, and its bytes.
async fn fetch(auth: Auth, url: String, init: RequestInit) -> Result<String, Error> {
    let answer = auth.fetch(url, &init).await?;
    Ok(format!("{} {:02x?}", answer.status(), bytes_of(&answer).await))
}

async fn bytes_of(answer: &Response) -> Vec<u8> {
    let Ok(buffer) = answer.array_buffer() else { return Vec::new() };
    let buffer = JsFuture::from(buffer).await.unwrap_or_default();
    Uint8Array::new(&buffer).to_vec()
}

/// A form with a file.
fn upload() -> RequestInit {
    let init = RequestInit::new();
    init.set_method("POST");
    let parts = Array::of1(&Uint8Array::from(&BYTES[..]));
    if let (Ok(form), Ok(file)) = (FormData::new(), Blob::new_with_u8_array_sequence(&parts)) {
        // They throw only for what is no file.
        let _ = form.append_with_str("title", "Four bytes");
        let _ = form.append_with_blob_and_filename("file", &file, "four.bin");
        init.set_body(&form);
    }
    init
}
