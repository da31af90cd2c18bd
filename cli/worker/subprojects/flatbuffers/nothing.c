/* A static library needs one source; what the worker links comes from the system. */
typedef int nothing_of_ours;
