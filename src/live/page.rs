//! A page for browsers, and the same values on a WebSocket for sketches.
//!
//! ```text
//! GET /             the page        GET /values.json   the values once
//! GET /live         a WebSocket: the values as JSON, thirty times a second while they change
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tungstenite::Message;

use super::web::{Answer, Asked, Server, Site};

/// The page itself: no asset from anywhere else.
const PAGE: &str = include_str!("page.html");

/// Time after which values are sent that have not changed: whoever hears nothing for longer may
/// take the connection for lost.
const ALIVE: Duration = Duration::from_secs(1);

/// What is shown in a round.
#[derive(Debug)]
pub struct Shown {
    /// The values, as JSON.
    pub values: String,
    /// Whether they are sent to whoever looks on.
    pub is_news: bool,
}

impl Site for Shown {
    type Watcher = ();

    fn answer(&self, asked: &Asked) -> Answer {
        match asked.path {
            "/" => Answer::Text("text/html; charset=utf-8", PAGE.to_owned()),
            "/values.json" => Answer::Text("application/json", self.values.clone()),
            "/live" if asked.wants_to_watch => Answer::Watch,
            "/live" => Answer::Not("426 Upgrade Required", "This is a WebSocket.\n"),
            _ => {
                Answer::Not("404 Not Found", "There are /, /values.json and the WebSocket /live.\n")
            }
        }
    }

    fn hear(&self, (): &mut (), _said: &str) {}

    fn news(&self, (): &mut (), is_first: bool) -> Vec<Message> {
        let is_shown = self.is_news || is_first;
        is_shown.then(|| Message::text(self.values.clone())).into_iter().collect()
    }
}

/// The page, and whoever looks at it.
pub struct Page {
    server: Server<Shown>,
    /// What was last sent to all, and when.
    shown: Shown,
    shown_at: Option<Instant>,
}

impl Page {
    /// One that will be found there.
    #[must_use]
    pub fn new(at: SocketAddr) -> Self {
        let shown = Shown { values: String::new(), is_news: false };
        Self { server: Server::new(at), shown, shown_at: None }
    }

    /// Whoever has come.
    #[must_use]
    pub fn server(&self) -> &Server<Shown> {
        &self.server
    }

    /// Serves everybody, and shows `values`, a text of JSON, where they are news. Waits for nobody.
    pub fn round(&mut self, values: String, now: Instant) {
        let is_old = self.shown_at.is_none_or(|at| now.saturating_duration_since(at) >= ALIVE);
        self.shown.is_news = is_old || self.shown.values != values;
        if self.shown.is_news {
            (self.shown.values, self.shown_at) = (values, Some(now));
        }
        self.server.round(&self.shown, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        Shown { values: r#"{"state":"live"}"#.to_owned(), is_news: false }
    }

    fn answer(path: &str, wants_to_watch: bool) -> Answer {
        shown().answer(&Asked { path, query: "view=field", wants_to_watch })
    }

    #[test]
    fn browsers_get_the_page_and_the_values_and_nothing_else() {
        let Answer::Text(_, page) = answer("/", false) else { panic!() };
        assert!(page.ends_with("</html>\n"));
        assert_eq!(answer("/values.json", false), Answer::Text("application/json", shown().values));
        assert_eq!(answer("/live", true), Answer::Watch);
        assert!(matches!(answer("/live", false), Answer::Not("426 Upgrade Required", _)));
        assert!(matches!(answer("/../etc/passwd", false), Answer::Not("404 Not Found", _)));
    }

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere() {
        for word in ["http://", "https://", "//cdn", "@import", "src=", "url("] {
            assert!(!PAGE.contains(word), "{word}");
        }
    }

    #[test]
    fn values_are_shown_when_they_change_and_once_a_second_and_to_whoever_comes() {
        let mut page = Page::new("127.0.0.1:1".parse().unwrap());
        let now = Instant::now();
        let mut is_news = |values: &str, millis: u64| {
            page.round(values.to_owned(), now + Duration::from_millis(millis));
            page.shown.is_news
        };
        assert!(is_news("1", 0) && !is_news("1", 500) && is_news("2", 501) && !is_news("2", 1500));
        assert!(is_news("2", 1501));
        assert_eq!(shown().news(&mut (), true), [Message::text(shown().values)]);
        assert!(shown().news(&mut (), false).is_empty());
    }
}
