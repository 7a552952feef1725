#include "/work/wt/tracer/test/Unit/EvalHarness.h"
#include "lamina/Support/Npy.h"
#include <fstream>
#include <iostream>
// usage: try  lines:  expr ;; x=2,3:float32 y=4:int32 ;; x:0=n
using namespace lamina; using namespace lamina::test;
int main(int argc,char**argv){
  if(argc>2){ llvm::StringRef cmd=argv[1]; Inputs in; std::string out; if(cmd!="eval"){llvm::errs()<<"error: only eval\n";return 1;}
    for(int i=3;i+1<=argc;++i){ llvm::StringRef a=argv[i]; if(a=="--input"){auto[n,f]=llvm::StringRef(argv[++i]).split('='); auto arr=loadNpy(f); if(!arr){llvm::errs()<<"npy\n";return 70;} in.push_back({n.str(),*arr});} else if(a=="-o") out=argv[++i]; else if(a=="--grad"){llvm::errs()<<"error: no grad\n";return 1;} }
    EvalHarness h; Outcome o=h.eval(argv[2],in); if(!o.ok()){llvm::errs()<<o.diagnostics; return llvm::StringRef(o.diagnostics).contains("MLIR:")?70:1;}
    NamedArrays na; for(size_t k=0;k<o.outputs.size();++k) na.push_back({"out"+std::to_string(k),o.outputs[k]});
    std::ofstream f(out,std::ios::binary); f<<writeNpz(na); return 0; }
  std::string line; bool ir=argc>1;
  while(std::getline(std::cin,line)){
    if(line.empty()) continue;
    llvm::SmallVector<llvm::StringRef> parts; llvm::StringRef(line).split(parts,";;");
    Inputs in; std::map<std::string,std::string> sym;
    if(parts.size()>1){ llvm::SmallVector<llvm::StringRef> as; parts[1].trim().split(as,' ',-1,false);
      for(auto a:as){ auto [n,t]=a.split('='); auto [dims,dt]=t.split(':'); llvm::SmallVector<int64_t> shape; llvm::SmallVector<llvm::StringRef> ds; dims.split(ds,',',-1,false); for(auto d:ds){int64_t v; d.getAsInteger(10,v); shape.push_back(v);} 
        in.push_back({n.str(), sequence(shape,0,1,dt.empty()?DType::Float32:*parseDType(dt))}); } }
    if(parts.size()>2){ llvm::SmallVector<llvm::StringRef> as; parts[2].trim().split(as,' ',-1,false); for(auto a:as){auto [k,v]=a.split('='); sym[k.str()]=v.str();}}
    EvalHarness h; Outcome o=h.eval(parts[0].trim(),in,sym);
    std::cout<<"> "<<line<<"\n"<<o.diagnostics;
    if(ir) std::cout<<o.ir;
    for(size_t k=0;k<o.outputs.size();++k){auto&a=o.outputs[k]; std::cout<<"  "<<name(a.dtype()).str()<<"("; for(auto d:a.shape())std::cout<<d<<","; std::cout<<") "<<o.dims[k]<<" :"; for(int64_t i=0;i<a.size()&&i<40;++i)std::cout<<" "<<a.getDouble(i); std::cout<<"\n";}
  }
}
