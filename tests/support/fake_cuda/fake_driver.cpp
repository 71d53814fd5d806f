// A driver that is there and does nothing: the plug-in is opened only where one is. Its name for
// the loader is libcuda.so.1. Neighbours: fake_driver.h loads it, fake_cuda.cpp.
extern "C" int cuInit(unsigned) {
    return 0;
}
