"""Amazon SNS: topics, subscriptions, publishing and delivery; platform applications; text messages and mails into an outbox.

What does not belong here: what a queue, a function or a delivery stream does with a message (they are called through ``Cloud``), and the
language of filter policies (``patterns/events``). Push notifications, text messages and mails end in the outbox, ``/_lambent/sns/outbox``;
nothing is sent to a phone or a mailbox. Not served yet: data protection policies.
"""
