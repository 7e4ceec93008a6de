//! What a thing in the window is or does, said in one place: the footer's line, in the window's
//! own size and colours, so that no hint hides what it speaks of. Screen readers have it as the
//! thing's description.

use egui::{Context, Id, Response};

/// What the footer is to say, until it has said it.
#[derive(Clone, Default)]
struct Said {
    text: String,
    /// Under the pointer, which counts for more than the keyboard's focus.
    is_pointed_at: bool,
}

fn place() -> Id {
    Id::unique("the footer's hint")
}

/// Has `hint` said of what `response` is of, while the pointer or the keyboard is there. Of things
/// in each other the one that is asked last speaks.
pub fn hinted(response: Response, hint: &str) -> Response {
    let ctx = &response.ctx;
    ctx.accesskit_node_builder(response.id, |node| node.set_description(hint));
    let is_pointed_at = response.contains_pointer() && !response.dragged();
    if is_pointed_at || response.has_focus() {
        ctx.data_mut(|data| {
            let other = data.get_temp::<Said>(place());
            if is_pointed_at || !other.is_some_and(|other| other.is_pointed_at) {
                data.insert_temp(place(), Said { text: hint.to_owned(), is_pointed_at });
            }
        });
    }
    response
}

/// What is to be said in this frame, once.
pub fn take(ctx: &Context) -> Option<String> {
    ctx.data_mut(|data| data.remove_temp::<Said>(place())).map(|said| said.text)
}
