//! The full-screen program: run loop, app, event, action, effect, keymap, theme, screens, layers, widgets.
