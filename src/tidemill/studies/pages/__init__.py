"""What a report says: each command's document made into one versioned page, which HTML, Markdown and PDF all show."""
