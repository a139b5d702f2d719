// Lets Go declare functions without bodies, which the linker finds.
