"""What a client may still spend: token buckets, in one process or shared by all through Redis."""
